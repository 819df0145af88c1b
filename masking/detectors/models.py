"""Keys of the companies that serve models."""

from masking.detector import Detector, prefixed

ANTHROPIC = prefixed(
    "anthropic_key",
    "sk-ant-",
    # api03, admin01, oat01 (OAuth), ort01 (refresh), sid01 (session): all continue alike.
    r"[A-Za-z0-9_\-]{20,}",
    "models",
    positive=("x-api-key: «sk-ant-" + "api03-" + "aB3dE6gH9j" * 9 + "AA»", "«sk-ant-" + "oat01-abcdefghij_klmnop»"),
    negative=("sk-ant-", "sk-ant-short"),
)

OPENAI = prefixed(
    "openai_key",
    "sk-(?:proj|svcacct|admin|None)-|sess-",
    r"[A-Za-z0-9_\-]{20,}",
    "models",
    positive=("«sk-proj-" + "aB3dE6gH9j" * 5 + "T3BlbkFJ" + "aB3dE6gH9j» rest",),
    negative=("sk-proj-", "task-project-management-and-more-of-it"),
)

OPENAI_OLD = prefixed(
    "openai_key",
    # Also DeepSeek, OpenRouter (sk-or-v1-), Context7, ElevenLabs (sk_), Moonshot and others that copied the form.
    "(?:ctx7)?sk-(?:or-v1-)?|sk_",
    "[A-Za-z0-9]{32,}",
    "models",
    positive=(
        "«sk-" + "aB3dE6gH9jK2mN5pQ8sT" + "T3BlbkFJ" + "aB3dE6gH9jK2mN5pQ8sT»",
        "«sk-or-v1-" + "0123456789abcdef" * 4 + "»",
    ),
    negative=("sk-learn", "sk-" + "abc" * 5, "risk-averse"),
)

LANGFUSE = Detector(
    name="model_api_key",
    pattern=r"\bsk-lf-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
    decisive="sk-lf-[0-9a-f]{8}",
    groups=("secrets", "models"),
    positive=("«sk-lf-" + "0123abcd-0123-4abc-8def-0123456789ab»",),
    negative=("pk-lf-0123abcd-0123-4abc-8def-0123456789ab",),
)

HUGGING_FACE = prefixed(
    "huggingface_token",
    "hf_|api_org_",
    "[A-Za-z0-9]{30,}",
    "models",
    positive=("«hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh»",),
    negative=("hf_home", "hf_hub_download"),
)

OTHER_MODELS = prefixed(
    "model_api_key",
    # Groq, xAI, Perplexity, Replicate, Fireworks, Together, Pinecone, LangSmith, Voyage, NVIDIA, Cerebras, W&B, Jina,
    # Tavily, Firecrawl
    r"gsk_|xai-|pplx-|r8_|fw_|tgp_v1_|pcsk_|lsv2_(?:pt|sk)_|pa-|nvapi-|csk-|wandb_v1_|jina_|tvly-|fc-[0-9a-f]{32}",
    r"[A-Za-z0-9_\-]{32,}",
    "models",
    positive=(
        "«gsk_" + "aB3dE6gH9j" * 5 + "»",
        "«xai-" + "aB3dE6gH9j" * 8 + "»",
        "«nvapi-" + "aB3dE6gH9j" * 6 + "abcd»",
    ),
    negative=("fw_version", "pa-1"),
)

GEMINI_AUTH = Detector(
    name="gcp_api_key",
    pattern=r"\bAQ\.Ab[A-Za-z0-9_\-]{30,}",
    decisive=r"AQ\.Ab",
    groups=("secrets", "models", "cloud"),
    positive=("«AQ.Ab" + "8RN6abcdefghijklmnopqrstuvwxyz012345»",),
    negative=("AQ.Abc",),
)
