"""The assembled face for insured people: the home page, the list of services, and pages that draw on several rooms.

Every link here leads to a page that exists; a service that is not built yet is not announced.
"""

from yibao.site import help, my_data, pages

routes = [*pages.routes, *help.routes, *my_data.routes]

__all__ = ["routes"]
