"""The email channel: taking letters in by SMTP and IMAP, threading, answering, sending."""

from core.contracts import PluginInfo, Text

PLUGIN = PluginInfo(
    name="email",
    title=Text("Email", "Электронная почта"),
    purpose=Text(
        "Letters come in by SMTP or IMAP, join their case, and are answered",
        "Письма приходят по SMTP или IMAP, попадают в свой запрос и получают ответ",
    ),
    requires=("aiosmtpd", "imapclient", "charset_normalizer"),
    extra="email",
    icon="mail",
)
