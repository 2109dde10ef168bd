"""``create_app``: the ordered steps of start-up, readable as a list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.exceptions import HTTPException

from core import config as configuration
from core import find_words, logs
from core.contracts import Asset
from core.db import init_db
from core.events.wake import init_wake
from core.hooks import Hooks
from core.house import Okno
from core.permissions import CORE_PERMISSIONS, unguarded
from core.pluginmanager import PluginManager, discover
from core.web.kept_templates import KeptTemplates
from core.web.url_rules import LazyRule


class SchemaPending(Exception):
    """The data base lacks migrations; the message says which command runs them."""


def create_app(home: Path | str, overrides: Mapping[str, Any] | None = None, *, check_schema: bool = True) -> Flask:
    """Build the application kept in ``home``; commits nothing to the data base.

    ``overrides`` maps setting keys to values and wins over ``okno.toml`` and the environment.
    Raises ``ConfigError`` for wrong settings and, with ``check_schema``, ``SchemaPending`` when migrations have not run.
    """
    home = Path(home).resolve()
    home.mkdir(parents=True, exist_ok=True)
    house = load_plugins(home, overrides)
    logs.configure(house.config)
    app = make_flask(house)
    init_db(app, house.config.database_url)
    init_wake(app, home, house.config.get("core.redis_url"))
    find_words.install()
    register_contributions(house)
    mount_web(app, house)
    if check_schema:
        refuse_old_schema(app)
    return app


def load_plugins(home: Path, overrides: Mapping[str, Any] | None) -> Okno:
    """Load the enabled plugins, then the settings that they and the core declare."""
    from core.builtin import BUILTINS

    plugins = PluginManager()
    for name, module in BUILTINS.items():
        plugins.register(module, name)
    enabled = configuration.enabled_plugins(home, overrides)
    plugins.load(enabled)
    plugins.check_pending()
    hooks = Hooks(plugins)
    schemas = hooks.models()
    declared = [setting for name, setting in hooks.settings() if setting.key.startswith(f"{name}.")]
    drop_failed_at_start(plugins)
    dormant = {found.name for found in discover()} - set(plugins.loaded) | set(plugins.problems)
    config = configuration.load(home, [*configuration.CORE_SETTINGS, *declared], dormant, overrides)
    schemas = [(name, schema) for name, schema in schemas if name in plugins.loaded]
    return Okno(config, plugins, hooks, schemas=schemas)


def drop_failed_at_start(plugins: PluginManager) -> None:
    """A plugin that could not declare its tables or settings must not run half-registered."""
    for (name, hook), fault in list(plugins.peek_faults().items()):
        if name in plugins.loaded and hook in ("register_models", "register_settings"):
            plugins.switch_off(name, f"plugin '{name}' failed in {hook}: {fault.last_error}")


def make_flask(house: Okno) -> Flask:
    """The Flask object with its own settings."""
    config = house.config
    app = Flask(
        "core", root_path=str(Path(__file__).parent), template_folder="web/templates", static_folder="web/static"
    )
    app.config.update(
        SECRET_KEY=config.secret_key(),
        OKNO_HOME=str(config.home),
        MAX_CONTENT_LENGTH=config.get("web.max_body_mb") << 20,
        SESSION_COOKIE_NAME="okno",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.get("web.secure_cookies"),
        SESSION_REFRESH_EACH_REQUEST=False,
        TEMPLATES_AUTO_RELOAD=False,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.jinja_env.bytecode_cache = KeptTemplates(config.home)
    app.extensions["okno"] = house
    app.url_rule_class = LazyRule
    return app


def register_contributions(house: Okno) -> None:
    """Ask every plugin what it adds."""
    from core.api.blueprint import all_operations

    hooks = house.hooks
    house.channels = hooks.channels()
    house.permissions = {item.name: item for item in CORE_PERMISSIONS} | hooks.permissions()
    house.variables = hooks.variables()
    house.workflow_steps = hooks.workflow_steps()
    house.search_backends = hooks.search_backends()
    house.telephony_backends = hooks.telephony_backends()
    sources = hooks.search_sources()
    house.search_sources = {kind: source for kind, source in sources.items() if source.audience == "desk"}
    house.customer_sources = {kind: source for kind, source in sources.items() if source.audience == "customers"}
    house.person_actions = hooks.person_actions()
    house.outbox_handlers = hooks.outbox_handlers()
    house.notices = hooks.notices()
    house.error_texts = hooks.error_texts()
    house.api = all_operations(house)


def mount_web(app: Flask, house: Okno) -> None:
    """Routes of the core, then of the plugins; none without a declared privilege."""
    from core import web

    web.mount(app, house)
    for name, mounted in house.hooks.blueprints():
        try:
            app.register_blueprint(mounted.blueprint, url_prefix=mounted.prefix or None)
        except (ValueError, AssertionError) as error:
            house.plugins.record_fault(name, "register_blueprints", error)
    house.assets = [stamped(app, asset) for asset in house.hooks.assets()]
    if bare := unguarded(app):
        raise RuntimeError(f"routes without @require or @public: {', '.join(bare)}")


def stamped(app: Flask, asset: Asset) -> Asset:
    """The asset with its file's time in the address: browsers keep it for long, and a changed file is another one."""
    try:
        endpoint, values = app.url_map.bind("").match(asset.url)
    except HTTPException:
        return asset
    owner = app.blueprints.get(endpoint.rpartition(".")[0], app)
    file = Path(owner.static_folder or "") / values.get("filename", "")
    return replace(asset, url=f"{asset.url}?v={int(file.stat().st_mtime):x}") if file.is_file() else asset


def refuse_old_schema(app: Flask) -> None:
    """Raise ``SchemaPending`` when the data base is behind the code."""
    from core import migrate

    if missing := migrate.pending(app):
        raise SchemaPending(f"the data base lacks migrations ({', '.join(missing)}): run  okno db upgrade")
