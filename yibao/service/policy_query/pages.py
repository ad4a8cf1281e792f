"""政策查询: a form that anybody may fill in, and what the policies say to it."""

from litestar import Router, get
from litestar.response import Template

from yibao import benefit
from yibao.benefit.types import INSURANCE_NAMES, NO, PERSON_NAMES, QUALIFICATIONS, VISIT_NAMES
from yibao.core.clock import Clock, day_of
from yibao.core.refusal import Refusal
from yibao.service.policy_query import rules
from yibao.web.principal import SignedIn, anyone


def choices(question: rules.Question, *, using: benefit.Policies) -> dict[str, object]:
    """Return what the fields about a person and their visit (`policy_query/fields.html`) need."""
    return {
        "question": question,
        "offer": rules.offer(question, using=using),
        "places": [(place, each.label) for place, each in using.places.items()],
        "people": [
            (INSURANCE_NAMES[insurance], [(kind, PERSON_NAMES[kind]) for kind in kinds])
            for insurance, kinds in rules.PEOPLE.items()
        ],
        "filings": rules.AWAY,
        "aids": {NO: "没有", **QUALIFICATIONS["aid"]},
        # Of these a person has one or not, so they are ticks.
        "ticks": [(fact, *next(iter(words.items()))) for fact, words in QUALIFICATIONS.items() if len(words) == 1],
    }


@get("/policy")
async def policy(request: SignedIn, clock: Clock, policies: benefit.Policies) -> Template:
    """政策查询 (D5). The question stands in the address, which names nobody, so that it can be kept and passed on."""
    # Read as they come, since a query string may hold anything; what does not fit is refused on the page itself.
    typed = {name: request.query_params.get(name, "") for name in rules.Question.__struct_fields__}
    question = rules.question_of(typed, using=policies, today=day_of(clock()))
    answer, refusal = None, None
    if any(typed.values()):
        try:
            answer = rules.answer(question, using=policies)
        except Refusal as refused:
            refusal = refused
    return Template(
        "policy_query/policy.html",
        context={
            **choices(question, using=policies),
            "answer": answer,
            "sentences": [(step.label, benefit.sentence(step)) for step in answer.example.trace] if answer else [],
            "refusal": refusal,
            "person_names": PERSON_NAMES,
            "insurances": INSURANCE_NAMES,
            "visits": [(visit, VISIT_NAMES[visit]) for visit in rules.VISITS],
            "visit_names": VISIT_NAMES,
            "levels": rules.LEVELS,
            "grades": benefit.GRADE_NAMES,
        },
        status_code=refusal.status if refusal else 200,
    )


routes = [Router("/", route_handlers=[policy], guards=[anyone])]
