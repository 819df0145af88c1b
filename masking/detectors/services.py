"""Keys of hosted services: chat, payment, mail, shops, monitoring, infrastructure."""

from masking.detector import LINK, Detector, prefixed

SLACK = prefixed(
    "slack_token",
    # bot, user, legacy workspace and refresh, session, cookie, legacy, rotated (xoxe.xoxp-, xoxe-), app-level, workflow
    r"xox[abcdeoprs]-|xoxe\.xox[bp]-|xapp-|xwfp-",
    r"[A-Za-z0-9%+/=_\-]{10,}",
    "services",
    positive=(
        "«xoxb-" + "123456789012-1234567890123-abcdefghijklmnopqrstuvwx»",
        "«xoxe.xoxp-" + "1-Mi0yLTEyMzQ1Njc4OTAxMg» «xapp-" + "1-A012345678-123456789012-abcdef0123456789»",
        "«xoxd-" + "abc%2Fdef%2Bghi%3D» «xoxc-" + "1234567890-1234567890»",
    ),
    negative=("xoxb-", "xoxo hugs", "xapp-x"),
)

SLACK_WEBHOOK = Detector(
    name="slack_webhook",
    pattern=r"\bhooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/_\-]{20,}",
    decisive=r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9]",
    groups=("secrets", "services"),
    positive=("https://«hooks.slack.com/services/" + "T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX»",),
    negative=("https://hooks.slack.com/services/",),
)

STRIPE = prefixed(
    "stripe_key",
    # Secret and restricted keys, organisation keys, webhook signing secrets. Publishable keys (pk_) are public.
    "(?:sk|rk)_(?:live|test|prod)_|sk_org_(?:live|test)_|sk_org_|whsec_",
    "[A-Za-z0-9+/=_]{16,}",
    "services",
    positive=(
        "«sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc»",
        "«rk_test_" + "aB3dE6gH9jK2mN5pQ8sT1vW4»",
        "«whsec_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7»",
    ),
    negative=("pk_live_" + "4eC39HqLyjWDarjtT1zdp7dc", "sk_live_", "task_test_something_long_enough"),
)

SENDGRID = Detector(
    name="sendgrid_key",
    pattern=r"\bSG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{16,}",
    decisive=r"SG\.[A-Za-z0-9_\-]{8}",
    groups=("secrets", "services"),
    positive=("«SG." + "aB3dE6gH9jK2mN5pQ8sT1v.aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0hL3nR6tX9bD2f»",),
    negative=("SG.x.y", "SG.Singapore"),
)

TWILIO = Detector(
    name="twilio_key",
    pattern=r"\b(?:SK|AC)[0-9a-f]{32}\b",
    decisive="(?:SK|AC)[0-9a-f]{8}",
    groups=("secrets", "services"),
    positive=("«SK" + "0123456789abcdef" * 2 + "»", "account «AC" + "fedcba9876543210" * 2 + "»"),
    negative=("SK0123", "ACcount"),
)

TWILIO_AUTH = Detector(
    name="twilio_key",
    pattern=r"[0-9a-f]{32}\b",
    context=r"\b(?i:twilio[ _-]?auth[ _-]?token)[^A-Za-z0-9]{1,8}",
    decisive="[0-9a-f]{8}",
    groups=("secrets", "services"),
    positive=("TWILIO_AUTH_TOKEN=«" + "0123456789abcdef" * 2 + "»",),
)

MAIL = Detector(
    name="mail_service_key",
    # Mailgun, Brevo (Sendinblue), Resend
    pattern=(r"\b(?:key-[0-9a-f]{32}|xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}|re_[A-Za-z0-9]{8}_[A-Za-z0-9]{16,40})\b"),
    decisive="(?:key-|xkeysib-|re_)[A-Za-z0-9]{8}",
    groups=("secrets", "services"),
    positive=("«key-" + "0123456789abcdef" * 2 + "»", "«re_" + "AbCdEfGh_ijklmnop12345678»"),
    negative=("key-value", "re_"),
)

MAILCHIMP = Detector(
    name="mail_service_key",
    pattern=r"[0-9a-f]{32}-us[0-9]{1,2}\b",
    context=rf"(?i:mailchimp|mandrill|api[ _-]?key){LINK}",
    decisive="[0-9a-f]{16}",
    groups=("secrets", "services"),
    positive=("MAILCHIMP_API_KEY=«" + "0123456789abcdef" * 2 + "-us14»",),
    negative=("api key: 0123",),
)

SHOPS = prefixed(
    "commerce_key",
    # Shopify, Square, Plaid, Adyen, Razorpay, Flutterwave, PayPal/Braintree, EasyPost, Duffel
    r"shp(?:at|ca|pa|ss|tka)_|sq0(?:atp|csp|idp)-|access-(?:sandbox|development|production)-|AQE[a-z]hmfxK"
    r"|rzp_(?:live|test)_|FLWSECK(?:_TEST)?-|access_token\$production\$|EZ[AT]K[A-Za-z0-9]{40}|duffel_(?:live|test)_",
    r"[A-Za-z0-9_$\-]{14,}",
    "services",
    positive=(
        "«shpat_" + "0123456789abcdef" * 2 + "»",
        "«sq0atp-" + "aB3dE6gH9jK2mN5pQ8sT1v»",
        "«rzp_live_" + "aB3dE6gH9jK2mN»",
    ),
    negative=("shpat_", "sq0atp-x"),
)

SQUARE = prefixed(
    "commerce_key",
    "EAAA[A-Z]",  # of 64 characters; a UUID may begin so too
    r"[A-Za-z0-9_\-]{40,}",
    "services",
    positive=("«EAAAE" + "aB3dE6gH9jK2mN5pQ8sT1v-x" * 2 + "yZ7cF0hL3nR»",),
    negative=("EAAAE226-4E33-4774-8086-13BE7DCE590C",),
)

INFRASTRUCTURE = prefixed(
    "infrastructure_token",
    # DigitalOcean, Vault, Terraform Cloud, Doppler, Pulumi, Tailscale, PlanetScale, Supabase, Databricks, Grafana,
    # New Relic, Sentry, Dynatrace, Netlify, Vercel, Heroku, Fly.io, Linode, Cloudflare, LaunchDarkly, 1Password,
    # Fastly, Buildkite, CircleCI, Sourcegraph, PostHog, Contentful
    r"do[opr]_v1_|hv[sbr]\.|dp\.(?:pt|st|ct|sa|scim|audit)\.|pul-|tskey-(?:auth|api|client|scim|webhook)-|pscale_(?:tkn|pw|oauth)_"
    r"|sb[ps]_|sb_secret_|dapi|dose|glsa_|glc_|NRAK-|NRJS-|NRAL-|sntry[su]_|dt0[cs](?:01|02|16)\.|nf[pc]_|vc[pkaio]_"
    r"|HRKU-|fo1_|fm[12]_|cfut_|cfat_|ops_ey|v1\.0-[0-9a-f]{24}-|bkua_|CCIPAT_|sgp_|phx_|CFPAT-",
    r"[A-Za-z0-9_.\-]{24,}",
    "services",
    positive=(
        "«dop_v1_" + "0123456789abcdef" * 4 + "»",
        "«hvs." + "CAESIJlWh1_abcdefghijklmnop-qrstuv»",
        "«tskey-auth-" + "kAbCdEfGh-IjKlMnOpQrStUvWxYz012345»",
        "«dapi" + "0123456789abcdef" * 2 + "»",
        "«ops_ey" + "JzaWduSW5BZGRyZXNzIjoibXkuMXBhc3N3b3JkLmNvbSJ9»",
        "«sntryu_" + "0123456789abcdef" * 4 + "» «sntrys_" + "eyJpYXQiOjE2ODczMzY1NDMuNjk4NTksInVybCI6bnVsbH0»",
        "«v1.0-" + "0123456789abcdef01234567-" + "0123456789abcdef" * 9 + "»",
    ),
    negative=("dapi", "hvs.x", "dose of medicine", "pul-"),
)

UNSEAL = Detector(
    name="infrastructure_token",
    # What `vault operator init` prints.
    pattern=r"[A-Za-z0-9+/]{43,}",
    swallow=r"[A-Za-z0-9+/=]",
    context=r"\bUnseal Key [0-9]{1,2}: ",
    decisive="[A-Za-z0-9+/]{16}",
    groups=("secrets", "services"),
    positive=("Unseal Key 1: «" + "aB3dE6gH9jK2mN5pQ8sT" * 2 + "abcd»",),
    negative=("Unseal Key 1: none",),
)

COLLABORATION = prefixed(
    "collaboration_token",
    # Linear, Notion, Figma, Airtable, Asana, Postman, Dropbox, Typeform, Intercom, HubSpot, Zapier-like
    r"lin_(?:api|oauth)_|ntn_|secret_|fig[doru]_|pat[A-Za-z0-9]{14}\.|PMAK-|sl\.(?:u\.)?|tfp_|pat-(?:na|eu)[0-9]-",
    r"[A-Za-z0-9_\-]{32,}",
    "services",
    positive=(
        "«lin_api_" + "aB3dE6gH9j" * 4 + "»",
        "«ntn_" + "aB3dE6gH9j" * 4 + "abcd»",
        "«figd_" + "aB3dE6gH9j" * 4 + "»",
        "«PMAK-" + "0123456789abcdef01234567-0123456789abcdef»",
    ),
    negative=("secret_santa", "lin_api_", "ntn_x"),
)

BOTS = Detector(
    name="bot_token",
    # Telegram and Discord
    pattern=r"\b(?:(?:bot)?[0-9]{8,10}:A[A-Za-z0-9_\-]{34}|[MNO][A-Za-z0-9_\-]{23,25}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,})",
    decisive=r"(?:bot)?[0-9]{8,10}:A|[MNO][A-Za-z0-9_\-]{23,25}\.[A-Za-z0-9]",
    groups=("secrets", "services"),
    positive=(
        "api/«bot110201543:" + "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw8»",
        "«MTk4NjIyNDgzNDcxOTI1MjQ4." + "Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs»",
    ),
    negative=("12345678:AB",),
)
