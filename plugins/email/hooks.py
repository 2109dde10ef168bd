"""Everything the email plugin adds to Okno."""

from __future__ import annotations

from pathlib import Path

from core import error_texts, hookimpl
from core.contracts import (
    BlueprintMount,
    Capabilities,
    Channel,
    CommandMount,
    Daemon,
    DeskContext,
    ErrorText,
    HealthCheck,
    Job,
    MenuItem,
    OutboxHandler,
    Panel,
    PluginSchema,
    Setting,
    Text,
    Variable,
    VariableContext,
    WorkflowStep,
)

FOLDER = Path(__file__).parent
SECURITY = ("none", "starttls", "tls")


@hookimpl
def register_models() -> list[PluginSchema]:
    from plugins.email import models

    return [PluginSchema(Path(models.__file__).parent / "migrations")]


@hookimpl
def register_settings() -> list[Setting]:
    return [
        Setting("email.domain", str, "okno.example", Text("Domain of our Message-IDs", "Домен наших Message-ID")),
        Setting("email.token_prefix", str, "Okno", Text("Word before the thread token", "Слово перед меткой цепочки в теме")),
        Setting("email.max_mb", int, 35, Text("Largest letter, MB", "Наибольшее письмо, МБ")),
        Setting("email.listen", bool, True, Text("Run the SMTP listener", "Принимать почту по SMTP")),
        Setting("email.listen_host", str, "127.0.0.1", Text("Address of the SMTP listener", "Адрес, на котором слушает SMTP")),
        Setting("email.smtp_port", int, 2525, Text("Port of the SMTP listener", "Порт, на котором слушает SMTP"), listens=True),
        Setting(
            "email.smtp_server",
            str,
            "",
            Text("SMTP server to send by; empty: keep letters on the mailbox page", "SMTP-сервер для отправки; пусто: письма остаются на странице ящика"),
        ),
        Setting("email.smtp_server_port", int, 587, Text("Its port", "Его порт")),
        Setting("email.smtp_security", str, "starttls", Text("Its encryption", "Шифрование при отправке"), choices=SECURITY),
        Setting("email.smtp_user", str, "", Text("User name there", "Имя пользователя на нём")),
        Setting("email.smtp_password", str, "", Text("Password there", "Пароль на нём"), secret=True),
        Setting("email.smtp_timeout", float, 30.0, Text("Time-out, seconds", "Время ожидания, секунд")),
        Setting("email.imap_server", str, "", Text("IMAP server to poll; empty: none", "IMAP-сервер для опроса; пусто: не опрашивать")),
        Setting("email.imap_port", int, 993, Text("Its port", "Его порт")),
        Setting("email.imap_security", str, "tls", Text("Its encryption", "Шифрование при опросе"), choices=SECURITY),
        Setting("email.imap_user", str, "", Text("User name there", "Имя пользователя на нём")),
        Setting("email.imap_password", str, "", Text("Password there", "Пароль на нём"), secret=True),
        Setting("email.imap_folder", str, "INBOX", Text("Folder to read", "Какую папку читать")),
        Setting("email.imap_move_to", str, "", Text("Move taken letters there; empty: leave them", "Куда переносить принятые; пусто: не трогать")),
        Setting("email.imap_verify", bool, True, Text("Check the server's certificate", "Проверять сертификат сервера")),
        Setting("email.imap_seconds", int, 30, Text("Pause between visits, seconds", "Пауза между опросами, секунд")),
    ]  # fmt: skip


@hookimpl
def register_channels() -> list[Channel]:
    from plugins.email.channel import CHANNEL, begin_letter, deliver, process

    capabilities = Capabilities(queued=True, rich=True, attachments=True, initiate=True)
    begin = Text("Write an email", "Написать письмо")
    return [
        Channel(CHANNEL, Text("Email", "Письмо"), "mail", capabilities, "email", deliver, process, begin_letter, begin)
    ]


@hookimpl
def register_outbox_handlers() -> list[OutboxHandler]:
    from core import mail_notices
    from plugins.email import house_notices
    from plugins.email.channel import KIND
    from plugins.email.sending import send

    return [OutboxHandler(KIND, send), OutboxHandler(mail_notices.KIND, house_notices.send)]


@hookimpl
def register_daemons() -> list[Daemon]:
    from core.house import okno
    from plugins.email.receiving import start_listener

    return [Daemon("email-smtp", start_listener, leader=True)] if okno().config.get("email.listen") else []


@hookimpl
def register_jobs() -> list[Job]:
    from core.house import okno
    from plugins.email.receiving import poll_job

    config = okno().config
    return [Job("email.imap", poll_job, config.get("email.imap_seconds"))] if config.get("email.imap_server") else []


@hookimpl
def register_workflow_steps() -> list[WorkflowStep]:
    from plugins.email.steps import send_email

    return [WorkflowStep("send_email", Text("Send an email", "Отправить письмо"), send_email, ("template",))]


@hookimpl
def register_variables() -> list[Variable]:
    def address(context: VariableContext) -> str:
        from plugins.email.sending import service_address

        return service_address(context.service_id) if context.service_id else ""

    title = Text("The service's address", "Адрес сервиса")
    return [Variable("app.emailAddress", title, address, "support@okno.example")]


@hookimpl
def register_blueprints() -> list[BlueprintMount]:
    from plugins.email.addresses import blueprint as addresses
    from plugins.email.views import blueprint

    return [BlueprintMount(blueprint), BlueprintMount(addresses)]


@hookimpl
def register_commands() -> list[CommandMount]:
    from plugins.email.cli import email

    return [CommandMount(email)]


@hookimpl
def register_translations() -> list[str]:
    return [str(FOLDER / "translations")]


@hookimpl
def collect_panels(context: DeskContext) -> list[Panel]:
    title = Text("Addresses of your letters", "Адреса ваших писем")
    return [Panel("email-addresses", title, "mail", "/mail/addresses", "settings", permission="case.reply")]


@hookimpl
def collect_menu_items(context: DeskContext) -> list[MenuItem]:
    from core.house import okno

    if not okno().config.get("core.demo"):
        return []
    label = Text("Customers' mailbox", "Почта клиентов")
    return [MenuItem("mailbox", label, "mailbox", "/mailbox", order=900)]


@hookimpl
def collect_hints(language: str) -> list[Text]:
    from core.house import okno

    port = okno().config.get("email.smtp_port")
    line = f"swaks --server 127.0.0.1:{port} --from anna@example.org --to support@okno.example"
    return [
        Text(
            f'Send a mail:  {line} --header "Subject: Help" --body "My signature does not work"',
            f'Отправьте письмо:  {line} --header "Subject: Help" --body "Не работает подпись"',
        )
    ]


@hookimpl
def check_health() -> list[HealthCheck]:
    from plugins.email.health import checks

    return checks()


@hookimpl
def register_error_texts() -> list[ErrorText]:
    """What the plugin's operations refuse, with cause and remedy."""
    return error_texts.read(Path(__file__).parent / "errors.yml")
