"""The assembled face for insured people: the home page, the list of services, and pages that draw on several rooms.

Every link here leads to a page that exists; a service that is not built yet is not announced.
"""

from yibao.site.pages import routes

__all__ = ["routes"]
