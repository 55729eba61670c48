"""What the words of a prompt mean to a draughtsman who knows some hundreds of them, in seven languages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# English, Korean, Japanese, Chinese, Spanish, French, German. A word stands under one meaning only.
VOCABULARY: dict[str, str] = {
    "red": "red crimson scarlet ruby 빨간 빨강 붉은 赤い 赤 红色 红 rojo roja rouge rot rote roter",
    "orange": "orange amber copper 주황 주황색 橙 naranja",
    "yellow": "yellow gold golden lemon 노란 노랑 금색 黄色 黄 金色 amarillo amarilla dorado jaune gelb",
    "green": "green emerald mint olive 초록 초록색 녹색 緑 绿色 绿 verde vert verte grün grüne",
    "teal": "teal turquoise cyan aqua 청록 청록색 turquesa",
    "blue": "blue navy indigo azure 파란 파랑 푸른 青い 青 蓝色 蓝 azul bleu bleue blau blaue",
    "purple": "purple violet lavender 보라 보라색 보랏빛 紫 morado morada lila",
    "pink": "pink rose magenta 분홍 분홍색 핑크 ピンク 粉色 粉 rosa",
    "grey": (
        "grey gray black white silver monochrome 회색 검은 하얀 흰 黒 白 灰 gris negro blanco noir blanc grau schwarz"
    ),
    "night": (
        "night midnight moon moonlit star starry stars dark 밤 한밤 밤하늘 달 달빛 별 夜 月 星 noche luna "
        "nuit nacht mond"
    ),
    "dusk": (
        "sunset sunrise dawn dusk evening autumn 노을 일몰 일출 새벽 저녁 가을 夕日 夕焼け 黄昏 日落 "
        "atardecer soir herbst"
    ),
    "day": ("day sunny sun noon summer morning spring 낮 햇살 여름 아침 봄 昼 朝 夏 白天 día sol jour soleil sommer"),
    "pale": (
        "pale soft pastel calm mist misty fog foggy quiet gentle dream 안개 고요한 부드러운 파스텔 꿈 霧 静か "
        "雾 niebla brume nebel"
    ),
    "vivid": "vivid bright neon bold loud pop cyberpunk 선명한 강렬한 네온 鮮やか 霓虹 neón",
    "snow": "snow snowy winter ice frozen 눈 겨울 설산 얼음 雪 冬 nieve neige hiver schnee",
    "rain": "rain rainy storm umbrella 비 비오는 폭풍 우산 雨 嵐 lluvia pluie regen",
    "sea": (
        "sea ocean beach lake boat ship sail island harbour harbor coast wave waves 바다 해변 호수 배 섬 항구 "
        "파도 海 湖 船 港 波 mar playa barco mer plage bateau meer strand"
    ),
    "mountain": (
        "mountain mountains alps peak hill hills cliff valley landscape 산 산맥 언덕 풍경 山 富士 montaña "
        "montagne berg berge"
    ),
    "city": (
        "city town street skyline tower building buildings skyscraper downtown seoul tokyo 도시 거리 건물 "
        "빌딩 서울 도쿄 골목 街 都市 城市 ビル ciudad calle ville rue stadt"
    ),
    "forest": (
        "forest tree trees wood woods pine jungle bamboo 숲 나무 소나무 대나무 森 木 林 bosque árbol forêt "
        "arbre wald baum"
    ),
    "meadow": (
        "flower flowers garden tulip daisy bloom blossom meadow field cherry 꽃 꽃밭 정원 벚꽃 들판 花 桜 庭 "
        "flor flores jardín fleur fleurs blume blumen"
    ),
    "dunes": "desert dune dunes sand camel 사막 모래 砂漠 沙漠 desierto désert wüste",
    "planet": (
        "planet space galaxy cosmos universe astronaut rocket saturn 우주 행성 은하 로켓 우주비행사 宇宙 惑星 "
        "太空 espacio espace weltraum"
    ),
    "cat": "cat kitten kitty 고양이 猫 ネコ ねこ gato gata chat katze",
    "fox": "fox dog puppy wolf shiba 여우 개 강아지 늑대 狐 犬 狗 zorro perro renard chien fuchs hund",
    "bear": "bear panda hamster mouse 곰 판다 햄스터 쥐 熊 oso ours bär",
    "rabbit": "rabbit bunny hare 토끼 兎 兔 うさぎ conejo lapin hase",
    "person": (
        "portrait person woman man girl boy child face king queen 초상 초상화 인물 사람 여자 남자 소녀 소년 "
        "아이 얼굴 人 女 男 顔 retrato mujer hombre femme homme frau mann"
    ),
}

_MEANING = {word: meaning for meaning, words in VOCABULARY.items() for word in words.split()}
_PARTICLE = re.compile(r"(에서|으로|은|는|이|가|을|를|의|에|와|과|로|도|만)$")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+")
_LONGEST = max(map(len, _MEANING))


def meanings(prompt: str) -> tuple[str, ...]:
    """The meanings known in ``prompt``, each once, in order of appearance."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", prompt).casefold())
    return tuple(dict.fromkeys(meaning for word in words for meaning in _of_word(word)))


def _of_word(word: str) -> Iterator[str]:
    if _UNSPACED.match(word):
        yield from _of_unspaced(word)
        return
    for form in (word, word.removesuffix("s"), _PARTICLE.sub("", word)):
        if form in _MEANING:
            yield _MEANING[form]
            return


def _of_unspaced(text: str) -> Iterator[str]:
    """Chinese and Japanese don't part words: take the longest known one at each place."""
    at = 0
    while at < len(text):
        known = next((text[at:end] for end in range(at + _LONGEST, at, -1) if text[at:end] in _MEANING), None)
        if known:
            yield _MEANING[known]
        at += len(known or " ")
