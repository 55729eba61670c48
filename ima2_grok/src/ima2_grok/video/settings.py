"""The settings of videos. Times are in milliseconds, as existing set-ups have them."""

from __future__ import annotations

from ima2.hookspecs import Setting

from ima2_grok.video.catalogue import BASE


def _time(name: str, default: int, env: str, key: str, text: str) -> Setting:
    return Setting(name, "integer", default=default, env=(env,), key=f"grokProvider.{key}", minimum=1, help=text)


VIDEO = (
    Setting(
        "video_model",
        default=BASE,
        env=("IMA2_GROK_VIDEO_MODEL_DEFAULT",),
        key="grokProvider.defaultVideoModel",
        help="The model that makes clips.",
    ),
    _time(
        "video_start_timeout_ms",
        60_000,
        "IMA2_GROK_VIDEO_START_TIMEOUT_MS",
        "videoStartTimeoutMs",
        "Milliseconds for the paid call that orders a clip.",
    ),
    _time(
        "video_poll_interval_ms",
        5_000,
        "IMA2_GROK_VIDEO_POLL_INTERVAL_MS",
        "videoPollIntervalMs",
        "Milliseconds between two questions whether a clip is ready.",
    ),
    _time(
        "video_timeout_ms",
        900_000,
        "IMA2_GROK_VIDEO_TIMEOUT_MS",
        "videoTimeoutMs",
        "Milliseconds to wait for a new clip. One that is late stays with xAI and can be fetched later.",
    ),
    _time(
        "video_edit_timeout_ms",
        600_000,
        "IMA2_VIDEO_EDIT_TIMEOUT_MS",
        "videoEditTimeoutMs",
        "Milliseconds to wait for an edited clip.",
    ),
    _time(
        "video_extend_timeout_ms",
        600_000,
        "IMA2_VIDEO_EXTEND_TIMEOUT_MS",
        "videoExtendTimeoutMs",
        "Milliseconds to wait for an extended clip.",
    ),
    _time(
        "video_analyze_timeout_ms",
        120_000,
        "IMA2_VIDEO_ANALYZE_TIMEOUT_MS",
        "videoAnalyzeTimeoutMs",
        "Milliseconds for the answer to a question about a clip; a repeat is part of them.",
    ),
    _time(
        "video_download_timeout_ms",
        120_000,
        "IMA2_GROK_VIDEO_DOWNLOAD_TIMEOUT_MS",
        "videoDownloadTimeoutMs",
        "Milliseconds for the download of a clip.",
    ),
)
