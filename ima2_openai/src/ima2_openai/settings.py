"""The provider's settings: names, environment variables and places in ``config.json`` that existing set-ups use."""

from __future__ import annotations

from ima2.hookspecs import Setting

from ima2_openai.catalogue import DEFAULT_HOST, DEFAULT_TOOL, EFFORTS, TOOL_MODELS

KEY_VARIABLE = "OPENAI_API_KEY"

SETTINGS = (
    Setting(
        "model",
        default=DEFAULT_HOST,
        env=("IMA2_API_IMAGE_MODEL_DEFAULT",),
        key="apiProvider.defaultImageModel",
        shared="model",
        help="The Responses model that reads the prompt and calls the image tool.",
    ),
    Setting(
        "reasoning_effort",
        default="low",
        env=("IMA2_API_REASONING_EFFORT",),
        key="apiProvider.defaultReasoningEffort",
        shared="reasoning",
        choices=EFFORTS,
        help="How long that model thinks before it calls the tool.",
    ),
    Setting(
        "size",
        default="1024x1024",
        env=("IMA2_API_IMAGE_SIZE",),
        key="apiProvider.defaultSize",
        help="WIDTHxHEIGHT in pixels, or auto.",
    ),
    Setting(
        "web_search",
        "boolean",
        default=True,
        env=("IMA2_API_ALLOW_WEB_SEARCH",),
        key="apiProvider.allowWebSearch",
        help="Whether the model may search the web. When false, no request can turn it on.",
    ),
    Setting(
        "image_tool_model",
        default=DEFAULT_TOOL,
        env=("IMA2_API_IMAGE_TOOL_MODEL",),
        key="apiProvider.imageToolModel",
        per_request=True,
        help=f"The model that draws: {', '.join(TOOL_MODELS)}, or any newer one.",
    ),
    Setting(
        "input_fidelity",
        env=("IMA2_API_INPUT_FIDELITY",),
        key="apiProvider.inputFidelity",
        per_request=True,
        choices=("high", "low"),
        help="How closely gpt-image-1.5 keeps to the input images.",
    ),
    Setting(
        "force_image_tool",
        "boolean",
        default=True,
        env=("IMA2_API_FORCE_IMAGE_TOOL",),
        key="apiProvider.forceImageTool",
        per_request=True,
        help="When false, a model that may search chooses its tools itself, and may answer without a picture.",
    ),
    Setting(
        "check_limits",
        "boolean",
        default=True,
        env=("IMA2_API_CHECK_LIMITS",),
        key="apiProvider.checkLimits",
        per_request=True,
        help="Check sizes and qualities against the limits known here. Turn it off when OpenAI's have moved.",
    ),
    Setting(
        "stream",
        "boolean",
        default=True,
        env=("IMA2_API_STREAM",),
        key="apiProvider.stream",
        help="Ask for events as they come. When false, one JSON answer and no drafts.",
    ),
    Setting(
        "idle_timeout",
        "number",
        default=300.0,
        env=("IMA2_API_IDLE_TIMEOUT",),
        key="apiProvider.idleTimeoutSeconds",
        minimum=0.05,
        help="Seconds without a byte from OpenAI after which a call counts as lost.",
    ),
    Setting(
        "base_url",
        default="https://api.openai.com/v1",
        env=("IMA2_OPENAI_BASE_URL", "OPENAI_BASE_URL"),
        key="apiProvider.baseUrl",
        help="Address of the API, with its /v1.",
    ),
    Setting(
        "api_key",
        env=(KEY_VARIABLE,),
        key="apiKey",
        secret=True,
        help="Your OpenAI key. Better: ima2 login api.",
    ),
)
