"""How much of a person is shown to others: enough to recognise whom one knows already, not enough to find out."""


def masked_name(name: str) -> str:
    """Return the first and last characters with stars between: 医*川; 医* for two, and * for one."""
    if len(name) < 3:
        return name[:-1] + "*" * len(name[-1:])
    return name[0] + "*" * (len(name) - 2) + name[-1]


def masked_certificate(cert_no: str) -> str:
    """Return 990***********0017 for a number of 15 or 18 digits, H******01 for a shorter one.

    Of a long number this hides the birthday and all of the area but the province.
    """
    return _masked(cert_no, *((3, 4) if len(cert_no) >= 15 else (1, 2)))


def masked_phone(phone: str) -> str:
    """Return 199****0001 for a mobile number, and the last four digits alone of any other."""
    return _masked(phone, 3 if len(phone) == 11 else 0, 4)


def _masked(text: str, head: int, tail: int) -> str:
    """Return `text` with that much of it readable, or nothing of it if fewer than four characters would be hidden."""
    hidden = len(text) - head - tail
    if hidden < 4:
        return "*" * len(text)
    return text[:head] + "*" * hidden + text[len(text) - tail :]
