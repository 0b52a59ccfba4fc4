"""All settings of the service. Safe for production by default; what differs comes from the environment."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from common import logs
from config.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
env = Environment(BASE_DIR / ".env")

# -- who may reach it ---------------------------------------------------------------------------

# HTTPS=false is for a machine of one's own: it gives up the redirect, HSTS and secure cookies.
HTTPS = env.read("bool", "HTTPS", True)
DEBUG = env.read("bool", "DEBUG", False)
if DEBUG and HTTPS:
    env.refuse("DEBUG: shows everybody what the service has in memory. It is for a machine of one's own: HTTPS=false.")
SECRET_KEY = env.secret("SECRET_KEY", length=50, may_be_published=not HTTPS)
# Earlier ones, newest first: what they signed or encrypted is still good.
SECRET_KEY_FALLBACKS = env.read("list", "SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS = env.read("list", "ALLOWED_HOSTS", [])
CSRF_TRUSTED_ORIGINS = env.read("list", "CSRF_TRUSTED_ORIGINS", [])
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
X_FRAME_OPTIONS = "DENY"
# Read by common.middleware under the names that Django 6 uses.
SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}

# -- what it is made of -------------------------------------------------------------------------

INSTALLED_APPS = [
    "config",
    "common",
    "courses",
    "enrollments",
    "reviews",
    "common.admin_config.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "procrastinate.contrib.django",
]
MIDDLEWARE = [
    "common.middleware.RequestContextMiddleware",
    "common.middleware.ContentSecurityPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "common.page_middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "common.page_middleware.AuthenticationMiddleware",
    "common.page_middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# -- where it keeps things ----------------------------------------------------------------------

STATEMENT_TIMEOUT_SECONDS = env.read("int", "STATEMENT_TIMEOUT_SECONDS", 5)
LOCK_TIMEOUT_SECONDS = env.read("int", "LOCK_TIMEOUT_SECONDS", 2)
IDLE_IN_TRANSACTION_TIMEOUT_SECONDS = 10
# Behind PgBouncer in transaction mode the timeouts belong to the role, and no cursor may outlive a transaction.
THROUGH_PGBOUNCER = env.read("bool", "DATABASE_THROUGH_PGBOUNCER", False)
# A server that vanished without a word is noticed after 25 seconds, and not after the kernel's 15 minutes. On a Unix
# socket these say nothing.
DATABASE_KEEPALIVES: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
EMBEDDED_POSTGRES: dict[str, Any] = {"DATA_DIR": VAR_DIR / "postgres", "DURABLE": True}


def _connected(database: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A database as this service connects to it."""
    session = {
        "application_name": "lectern",
        # Left to itself, PostgreSQL plans a prepared statement anew for as long as it takes the values for a help. Ours
        # need none, and to plan costs several times what a page costs. Those that do are not prepared.
        "options": (
            f"-c statement_timeout={STATEMENT_TIMEOUT_SECONDS}s -c lock_timeout={LOCK_TIMEOUT_SECONDS}s "
            f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT_SECONDS}s "
            "-c plan_cache_mode=force_generic_plan"
        ),
    }
    return {
        **database,
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": THROUGH_PGBOUNCER,
        "OPTIONS": {
            **DATABASE_KEEPALIVES,
            **database.get("OPTIONS", {}),
            "connect_timeout": 3,
            "prepare_threshold": None if THROUGH_PGBOUNCER else 5,
            **({} if THROUGH_PGBOUNCER else session),
        },
        **more,
    }


# Without DATABASE_URL an embedded PostgreSQL serves from var/, started on the first connection.
DATABASE: dict[str, Any] = {"ENGINE": "common.embedded_database", "NAME": "lectern"}
if env.read("str", "DATABASE_URL", ""):
    DATABASE = {**(env.read("db_url", "DATABASE_URL") or {}), "ENGINE": "common.database"}
DATABASES = {"default": _connected(DATABASE)}
# Where callers without credentials read (common.replicas).
if env.read("str", "REPLICA_URL", ""):
    REPLICA = {**(env.read("db_url", "REPLICA_URL") or {}), "ENGINE": "common.database"}
    DATABASES["replica"] = _connected(REPLICA, TEST={"MIRROR": "default"})
    DATABASE_ROUTERS = ["common.replicas.Router"]
# What it shows is no older than that, while there is a primary.
REPLICA_MOST_SECONDS_BEHIND = env.read("int", "REPLICA_MOST_SECONDS_BEHIND", 10)
if REPLICA_MOST_SECONDS_BEHIND < 5:
    env.refuse("REPLICA_MOST_SECONDS_BEHIND: must be 5 or more, as nobody looks that often.")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# -- people -------------------------------------------------------------------------------------

AUTH_USER_MODEL = "common.User"
AUTHENTICATION_BACKENDS = ["common.accounts.permissions.Backend"]
# The check wants `unique=True` on the email; the constraint on UPPER(email) is stricter, and is the index for sign-in.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "display_name")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "SIGNING_KEY": env.secret("JWT_SIGNING_KEY", SECRET_KEY, length=32, may_be_published=not HTTPS),
    "USER_ID_CLAIM": "sub",
    "UPDATE_LAST_LOGIN": False,
}
# A company's own identity provider, whose tokens are taken beside ours: where its keys are, its `iss`, and our `aud`.
AUTH_JWKS_URL, AUTH_ISSUER, AUTH_AUDIENCE = (
    env.read("str", name, "") for name in ("AUTH_JWKS_URL", "AUTH_ISSUER", "AUTH_AUDIENCE")
)
if len({bool(AUTH_JWKS_URL), bool(AUTH_ISSUER), bool(AUTH_AUDIENCE)}) > 1:
    env.refuse("AUTH_JWKS_URL, AUTH_ISSUER, AUTH_AUDIENCE: set all three, or none.")
if AUTH_JWKS_URL and not AUTH_JWKS_URL.startswith("https://" if HTTPS else ("https://", "http://")):
    env.refuse("AUTH_JWKS_URL: must begin with https://, or whoever is on the way can sign in as anybody.")

# -- the public API -----------------------------------------------------------------------------

MAX_BODY_BYTES = 1_048_576
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
# Imports alone take more.
IMPORT_MAX_BYTES = 20 * 1_048_576
IMPORT_MAX_ROWS = 100_000
LARGEST_BODY_BYTES = IMPORT_MAX_BYTES + 65_536  # with the frame of a form
IDEMPOTENCY_KEPT_FOR = timedelta(hours=24)
CURSOR_LIFETIME = timedelta(days=7)
# The feed reaches back so far at least.
EVENTS_KEPT_MONTHS = 13
EVENT_SOURCE = env.read("str", "EVENT_SOURCE", "/lectern")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["common.accounts.tokens.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "common.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "common.problems.answer_exception",
}
# The other way in, for operations that are declared for partners; it belongs to an app that `common` may not know.
PARTNER_AUTHENTICATION_CLASS = "enrollments.authentication.ApiKeyAuthentication"
SPECTACULAR_SETTINGS = {
    "TITLE": "Lectern",
    "VERSION": "1.2.0",
    "OAS_VERSION": "3.1.0",
    "DEFAULT_GENERATOR_CLASS": "common.openapi.Generator",
    "GET_MOCK_REQUEST": "common.openapi.no_request",
    "POSTPROCESSING_HOOKS": [],
    "SORT_OPERATIONS": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "bearerAuth": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": (
                    "The `access` of a token pair: see `POST /api/v1/auth/token`. Or a token of the identity provider "
                    "of whoever runs this service, where there is one."
                ),
            },
            "apiKeyAuth": {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "`Api-Key ` and the key of a partner, which whoever runs this service hands out.",
            },
        }
    },
    "SCHEMA_PATH_PREFIX": r"/api/v[0-9]+",
}

# -- how often one caller may ask -------------------------------------------------------------------

# Wide enough for honest clients in a hurry: they stop one caller from taking the whole service. Empty: no limit.
THROTTLES = {
    "reads": env.rate("THROTTLE_READS", "30000/m"),
    "writes": env.rate("THROTTLE_WRITES", "12000/m"),
    "partner": env.rate("THROTTLE_PARTNER", "30000/m"),
    # By network, behind which a whole school can be.
    "anonymous": env.rate("THROTTLE_ANONYMOUS", ""),
    # Only what failed counts.
    "sign_in_by_account": env.rate("THROTTLE_SIGN_IN_BY_ACCOUNT", "10/15m"),
    "sign_in_by_network": env.rate("THROTTLE_SIGN_IN_BY_NETWORK", "300/15m"),
}
# How many proxies in front add to X-Forwarded-For: so many of its last entries are believed.
TRUSTED_PROXIES = env.read("int", "TRUSTED_PROXIES", 0)
# A Redis in which all processes count together. Without one each counts for itself.
CACHE_URL = env.read("str", "CACHE_URL", "")

# -- reviews ------------------------------------------------------------------------------------

REVIEW_HOLD_POLICY = {
    "words": tuple(env.read("list", "REVIEW_LISTED_WORDS", ["casino", "viagra", "bitcoin", "escort", "idiot", "scam"])),
    "shouting_share": 0.7,
    "shouting_min_letters": 20,
    "duplicate_min_length": 30,
    "reviews_per_window": 5,
    "window": timedelta(hours=1),
    "reports_to_hold": 3,
}
REVIEW_CLAIM_TIME = timedelta(minutes=10)
REVIEW_UNDO_WINDOW = timedelta(minutes=10)

# -- webhooks -----------------------------------------------------------------------------------

# For a machine of one's own: without it nothing is sent to private or loopback addresses, nor without TLS.
WEBHOOK_ALLOW_PRIVATE_ADDRESSES = env.read("bool", "WEBHOOK_ALLOW_PRIVATE_ADDRESSES", False)
# From the look-up of the name to the last byte of the answer.
WEBHOOK_TIMEOUT_SECONDS = 10
WEBHOOK_SECRET_OVERLAP = timedelta(hours=24)
WEBHOOKS_PER_OWNER = 20
WEBHOOK_LOG_KEPT_FOR = timedelta(days=30)

# -- mail ---------------------------------------------------------------------------------------

# consolemail://, filemail:///folder, smtp://user:password@host:25, smtp+tls://…:587, smtp+ssl://…:465
_mail = env.read("email_url", "EMAIL_URL", "consolemail://") or {}
EMAIL_BACKEND = _mail.get("EMAIL_BACKEND", "")
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.get("EMAIL_USE_TLS", False), _mail.get("EMAIL_USE_SSL", False)
EMAIL_HOST = _mail.get("EMAIL_HOST") or "localhost"
EMAIL_PORT = _mail.get("EMAIL_PORT") or (465 if EMAIL_USE_SSL else 587 if EMAIL_USE_TLS else 25)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_USER") or "", _mail.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_FILE_PATH = f"/{_mail['EMAIL_FILE_PATH'].lstrip('/')}" if _mail.get("EMAIL_FILE_PATH") else None
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.read("str", "EMAIL_FROM", "Lectern <lectern@localhost>")
MAIL_LOG_KEPT_FOR = timedelta(days=30)

# -- background work ----------------------------------------------------------------------------

# A worker whose heartbeat is older than this is dead, and its jobs are taken up again (common.jobs).
STALLED_WORKER_SECONDS = 15
JOB_TIME_LIMIT_SECONDS = 300
JOBS_KEPT_FOR = timedelta(days=7)
# Where a worker finds the database without passing PgBouncer, through which it cannot LISTEN. Empty: where all do.
WORKER_DATABASE_URL = env.read("str", "WORKER_DATABASE_URL", "")
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"
PROCRASTINATE_WORKER_DEFAULTS = {
    "update_heartbeat_interval": 5,
    "stalled_worker_timeout": STALLED_WORKER_SECONDS,
    "fetch_job_polling_interval": 1,
}

# -- the rest -----------------------------------------------------------------------------------

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False
# What runs here, as its makers call it: in each request's line, and on its spans.
RELEASE = env.read("str", "RELEASE", "unnamed")
# Where people look up a request's log lines and its trace; `{request_id}` in them is replaced.
LOGS_URL = env.read("str", "LOGS_URL", "")
TRACES_URL = env.read("str", "TRACES_URL", "")
LOGGING = logs.configure()

env.finish()
