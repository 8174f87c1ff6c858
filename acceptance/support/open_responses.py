"""What Open Responses says a response and its events look like: the specification of 2026-04-24.

Written from the specification, and stricter than it: a member that it does not name is an error,
apart from those that OpenAI's API has beside it, and our receipt, which are marked as such. So
nothing else of ours slips in unnoticed, and nothing that has to be there is missing.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class Shape(BaseModel):
    """An object with these members and no others, of these types and no similar ones.

    A member without a default has to be there, be it as `null`.
    """

    model_config = ConfigDict(extra="forbid", strict=True)


def one_of(*shapes):
    """A union that is told apart by `type`, so that an error names the member and not the union."""
    union = shapes[0]
    for shape in shapes[1:]:
        union |= shape
    return Annotated[union, Field(discriminator="type")]


# Content.


class TopLogProb(Shape):
    token: str
    logprob: float
    bytes: list[int]


class LogProb(TopLogProb):
    top_logprobs: list[TopLogProb]


class UrlCitation(Shape):
    type: Literal["url_citation"]
    url: str
    start_index: int
    end_index: int
    title: str


class OutputText(Shape):
    type: Literal["output_text"]
    text: str
    annotations: list[UrlCitation]
    logprobs: list[LogProb] = []


class Refusal(Shape):
    type: Literal["refusal"]
    refusal: str


class ReasoningText(Shape):
    type: Literal["reasoning_text"]
    text: str


class SummaryText(Shape):
    type: Literal["summary_text"]
    text: str


# What a model gives: the specification allows the parts of callers here as well.
Part = one_of(OutputText, Refusal, ReasoningText, SummaryText)


# Items. The schema has no status for a reasoning item; the text demands one of every item.

Status = Literal["in_progress", "completed", "incomplete"]


class Message(Shape):
    type: Literal["message"]
    id: str
    status: Status
    role: Literal["user", "assistant", "system", "developer"]
    content: list[Part]
    phase: Literal["commentary", "final_answer"] = "final_answer"


class FunctionCall(Shape):
    type: Literal["function_call"]
    id: str
    call_id: str
    name: str
    arguments: str
    status: Status


class Reasoning(Shape):
    type: Literal["reasoning"]
    id: str
    status: Status
    summary: list[Part]
    content: list[Part] = []
    encrypted_content: str = ""


Item = one_of(Message, FunctionCall, Reasoning)


# The response.


class IncompleteDetails(Shape):
    reason: str


class Error(Shape):
    code: str
    message: str


class FunctionTool(Shape):
    type: Literal["function"]
    name: str
    description: str | None
    parameters: dict[str, Any] | None
    strict: bool | None


class FunctionChoice(Shape):
    type: Literal["function"]
    name: str = ""


Mode = Literal["none", "auto", "required"]


class AllowedTools(Shape):
    type: Literal["allowed_tools"]
    tools: list[FunctionChoice]
    mode: Mode


class Text(Shape):
    type: Literal["text"]


class JsonObject(Shape):
    type: Literal["json_object"]


class JsonSchema(Shape):
    type: Literal["json_schema"]
    name: str
    description: str | None
    # The specification has `null` here; OpenAI's API gives the schema back.
    wanted: dict[str, Any] | None = Field(alias="schema")
    strict: bool


class TextField(Shape):
    format: one_of(Text, JsonObject, JsonSchema)
    verbosity: Literal["low", "medium", "high"] = "medium"


class ReasoningOptions(Shape):
    effort: Literal["none", "low", "medium", "high", "xhigh"] | None
    summary: Literal["concise", "detailed", "auto"] | None


class InputTokens(Shape):
    cached_tokens: int
    # OpenAI's API.
    cache_write_tokens: int = 0


class OutputTokens(Shape):
    reasoning_tokens: int


class Usage(Shape):
    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: InputTokens
    output_tokens_details: OutputTokens


class Conversation(Shape):
    id: str


class Receipt(Shape):
    model: str
    upstream: str
    attempt: int
    trace_id: str | None
    queue_wait_ms: float
    model_first_token_ms: float | None
    time_to_first_token_ms: float | None
    duration_ms: float
    input_tokens: int | None
    output_tokens: int | None
    tokens_per_second: float | None


class Response(Shape):
    id: str
    object: Literal["response"]
    created_at: int
    completed_at: int | None
    # The specification says: a string. These are OpenAI's.
    status: Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
    incomplete_details: IncompleteDetails | None
    model: str
    previous_response_id: str | None
    instructions: str | None
    output: list[Item]
    error: Error | None
    tools: list[FunctionTool]
    tool_choice: Mode | one_of(FunctionChoice, AllowedTools)
    truncation: Literal["auto", "disabled"]
    parallel_tool_calls: bool
    text: TextField
    top_p: float
    presence_penalty: float
    frequency_penalty: float
    top_logprobs: int
    temperature: float
    reasoning: ReasoningOptions | None
    usage: Usage | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    store: bool
    background: bool
    service_tier: str
    metadata: dict[str, str]
    safety_identifier: str | None
    prompt_cache_key: str | None
    # Of the specification's text, and not of its schema.
    conversation: Conversation | None = None
    # OpenAI's API.
    user: str | None = None
    # Ours: see docs/API.md.
    chappe: Receipt | None = None


# Events.


class Event(Shape):
    sequence_number: int


class OfResponse(Event):
    type: Literal[
        "response.created",
        "response.queued",
        "response.in_progress",
        "response.completed",
        "response.failed",
        "response.incomplete",
    ]
    response: Response


class OfItem(Event):
    type: Literal["response.output_item.added", "response.output_item.done"]
    output_index: int
    item: Item


class InItem(Event):
    item_id: str
    output_index: int


class InContent(InItem):
    content_index: int


class OfPart(InContent):
    type: Literal["response.content_part.added", "response.content_part.done"]
    part: Part


class TextDelta(InContent):
    type: Literal["response.output_text.delta"]
    delta: str
    logprobs: list[LogProb] = []
    obfuscation: str = ""


class TextDone(InContent):
    type: Literal["response.output_text.done"]
    text: str
    logprobs: list[LogProb] = []


class RefusalDelta(InContent):
    type: Literal["response.refusal.delta"]
    delta: str


class RefusalDone(InContent):
    type: Literal["response.refusal.done"]
    refusal: str


class ReasoningDelta(InContent):
    # The specification calls it `response.reasoning.delta`; this is OpenAI's name.
    type: Literal["response.reasoning_text.delta"]
    delta: str


class ReasoningDone(InContent):
    # The specification calls it `response.reasoning.done`; this is OpenAI's name.
    type: Literal["response.reasoning_text.done"]
    text: str


class ArgumentsDelta(InItem):
    type: Literal["response.function_call_arguments.delta"]
    delta: str
    obfuscation: str = ""


class ArgumentsDone(InItem):
    type: Literal["response.function_call_arguments.done"]
    arguments: str
    # OpenAI's API.
    name: str = ""


response_shape = TypeAdapter(Response)
event_shape = TypeAdapter(
    one_of(
        OfResponse,
        OfItem,
        OfPart,
        TextDelta,
        TextDone,
        RefusalDelta,
        RefusalDone,
        ReasoningDelta,
        ReasoningDone,
        ArgumentsDelta,
        ArgumentsDone,
    )
)
