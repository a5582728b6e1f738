"""The official SDK against a real server that speaks the Messages API."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from abathur_tui.domain.conversation import FailureKind, Message, OpaqueBlock, TextBlock, ToolResultBlock, ToolUseBlock, Usage, message_data
from abathur_tui.domain.errors import AccountRefused, AnswerIncomplete, ApiRefused, ApiUnavailable, RuntimeFailure
from abathur_tui.runtimes.anthropic import AnthropicRuntime
from abathur_tui.runtimes.models import DEFAULT_MODEL
from tests import messages_server
from tests.messages_server import Gate, MessagesServer, Pause, Reply, Script, refuses, says
from tests.runtimes.asking import READ_FILE, Turn, answer, request
from tests.waiting import eventually_async

KEY = "sk-ant-api03-secret-of-the-test"


@asynccontextmanager
async def talking(script: Script, *, stall_seconds: float = 10.0, model: str | None = None) -> AsyncIterator[tuple[AnthropicRuntime, MessagesServer]]:
    async with MessagesServer(script) as server:
        runtime = AnthropicRuntime(KEY, base_url=server.url, model=model, stall_seconds=stall_seconds)
        try:
            yield runtime, server
        finally:
            await runtime.aclose()


class TestAnswers:
    async def test_text_streams_and_ends_with_the_whole_message(self) -> None:
        async with talking([says("one two three", usage={"input_tokens": 7, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20})]) as (
            runtime,
            _,
        ):
            turn = await answer(runtime)

        assert turn.deltas == ["one ", "two ", "three"]
        assert turn.end.message == Message("assistant", (TextBlock("one two three"),))
        assert turn.end.stop_reason == "end_turn"
        assert turn.end.usage == Usage(input=127, output=3, cache_read=100, cache_write=20)
        assert turn.end.request_id == "req_test"
        assert turn.end.model == "claude-test-1"
        assert turn.end.cost_usd is None

    async def test_a_known_model_has_a_cost(self) -> None:
        async with talking([says("hi", model="claude-sonnet-5-5", usage={"input_tokens": 1_000_000, "output_tokens": 100_000})]) as (runtime, _):
            assert (await answer(runtime)).end.cost_usd == pytest.approx(3.0)

    async def test_a_tool_call_comes_whole_with_what_was_said_before_it(self) -> None:
        async with talking([messages_server.uses_tool("read_file", {"path": "a/b.py", "lines": [1, 2]}, text="Let me look.")]) as (runtime, _):
            turn = await answer(runtime, request("Look.", tools=(READ_FILE,)))

        assert turn.end.stop_reason == "tool_use"
        assert turn.end.message.blocks == (TextBlock("Let me look."), ToolUseBlock("toolu_test", "read_file", {"path": "a/b.py", "lines": [1, 2]}))

    async def test_several_tool_calls_keep_their_order(self) -> None:
        async with talking([messages_server.uses_tools(("read_file", {"path": "a"}, "t1"), ("read_file", {}, "t2"))]) as (runtime, _):
            turn = await answer(runtime, request("Look.", tools=(READ_FILE,)))

        assert [(call.id, call.input) for call in turn.end.message.tool_uses] == [("t1", {"path": "a"}), ("t2", {})]

    async def test_a_server_that_miscounts_or_misspells_does_no_harm(self) -> None:
        replies = [says("a", usage={"input_tokens": -5, "output_tokens": 2**63}, model="m\ud800"), says("b", usage={"cache_read_input_tokens": -1})]
        async with talking(replies) as (runtime, _):
            first, second = (await answer(runtime)).end, (await answer(runtime)).end

        assert (first.usage, first.model) == (Usage(input=0, output=10**12, cache_read=0, cache_write=0), "m?")
        assert second.usage == Usage(input=10, output=1, cache_read=0, cache_write=0)

    async def test_a_number_that_is_none_is_null_in_a_tool_call(self) -> None:
        async with talking([messages_server.uses_tool("read_file", {"a": float("inf"), "b": float("nan"), "c": 1.5})]) as (runtime, _):
            (call,) = (await answer(runtime, request("Look.", tools=(READ_FILE,)))).end.message.tool_uses

        assert call.input == {"a": None, "b": None, "c": 1.5}

    async def test_thinking_goes_back_to_the_server_as_it_came(self) -> None:
        thinking = messages_server.thinking_block("Hmm.", "c2ln")
        reply = messages_server.message(thinking, messages_server.tool_block("read_file", {"path": "a"}), stop_reason="tool_use")
        async with talking([reply, says("done")]) as (runtime, server):
            first = (await answer(runtime, request("Look.", tools=(READ_FILE,)))).end.message
            result = Message("user", (ToolResultBlock("toolu_test", "the file"),))
            await answer(runtime, request("Look.", first, result, tools=(READ_FILE,)))

        assert first.blocks[0] == OpaqueBlock({"type": "thinking", "thinking": "Hmm.", "signature": "c2ln"})
        sent = server.requests[1].body["messages"]
        assert sent[1] == message_data(first)
        assert sent[2]["content"][0] | {"cache_control": None} == {
            "type": "tool_result",
            "tool_use_id": "toolu_test",
            "content": "the file",
            "is_error": False,
            "cache_control": None,
        }

    async def test_an_answer_that_the_limit_cut_is_one_without_its_unfinished_call(self) -> None:
        started, deltas = messages_server.tool_block("read_file", {"path": "a"})
        reply = messages_server.message(messages_server.text_block("So"), (started, deltas[:1]), stop_reason="max_tokens")
        async with talking([reply]) as (runtime, _):
            turn = await answer(runtime)

        assert turn.end.stop_reason == "max_tokens"
        assert turn.end.message.blocks == (TextBlock("So"),)

    async def test_a_tool_call_whose_json_is_broken_is_no_answer(self) -> None:
        started, deltas = messages_server.tool_block("read_file", {"path": "a"})
        async with talking([messages_server.message((started, deltas[:1]), stop_reason="tool_use")]) as (runtime, _):
            with pytest.raises(AnswerIncomplete):
                await answer(runtime)

    async def test_a_slow_drip_is_waited_for(self) -> None:
        async with talking([says("slow but steady all the way", pace=0.3)], stall_seconds=1.0) as (runtime, _):
            assert (await answer(runtime)).end.message.text == "slow but steady all the way"

    async def test_many_answers_come_at_once(self) -> None:
        async with talking(lambda asked: says(f"you said {asked.prompt}", pace=0.01)) as (runtime, _):
            turns = await asyncio.gather(*(answer(runtime, request(str(number))) for number in range(50)))

        assert [turn.end.message.text for turn in turns] == [f"you said {number}" for number in range(50)]


class TestRequests:
    async def test_the_request_is_what_was_asked(self) -> None:
        async with talking([says()]) as (runtime, server):
            await answer(runtime, request("Hello.", system="Be brief.", tools=(READ_FILE,), max_output_tokens=123))

        [asked] = server.requests
        assert asked.key == KEY
        assert asked.body["model"] == DEFAULT_MODEL
        assert asked.body["max_tokens"] == 123
        assert asked.body["stream"] is True
        assert asked.body["tools"][0]["name"] == "read_file"
        assert asked.body["system"] == [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]

    async def test_the_conversation_so_far_is_cached_only_where_it_will_go_on(self) -> None:
        async with talking([says()]) as (runtime, server):
            await answer(runtime, request("Hello."))
            await answer(runtime, request("Hello.", tools=(READ_FILE,)))

        alone, with_tools = (asked.body["messages"][-1]["content"][-1] for asked in server.requests)
        assert "cache_control" not in alone
        assert with_tools["cache_control"] == {"type": "ephemeral"}

    async def test_no_empty_text_is_sent(self) -> None:
        async with talking([says()]) as (runtime, server):
            await answer(runtime, request(Message("user", (TextBlock(""), TextBlock("Hello."))), system=" "))

        assert "system" not in server.requests[0].body
        assert [block["text"] for block in server.requests[0].body["messages"][0]["content"]] == ["Hello."]

    @pytest.mark.parametrize(("named", "asked"), [("opus", "claude-opus-5-5"), ("inherit", "claude-x"), ("my-model", "my-model"), (None, "claude-x")])
    async def test_a_turn_may_name_its_model_also_by_its_short_name(self, named: str | None, asked: str) -> None:
        async with talking([says()], model="claude-x") as (runtime, server):
            await answer(runtime, request("Hello.", model=named))

        assert server.requests[0].body["model"] == asked

    async def test_an_answer_is_never_longer_than_the_model_can(self) -> None:
        async with talking([says()], model="my-model") as (runtime, server):
            limits = await runtime.limits()
            await answer(runtime, request("Hello.", max_output_tokens=1_000_000))

        assert server.requests[0].body["max_tokens"] == limits.output_tokens == 8192

    async def test_neither_key_nor_address_comes_from_the_engines_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "another")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
        monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "another")
        async with talking([says()]) as (runtime, server):
            await answer(runtime)

        assert server.requests[0].key == KEY

    async def test_a_deprecated_model_is_a_log_line_once_and_no_warning(self) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            async with talking([says()], model="claude-sonnet-4-5") as (runtime, _):
                first, second = await answer(runtime), await answer(runtime)

        assert "deprecated" in first.log[0]
        assert second.log == []
        assert [str(warning.message) for warning in caught if "deprecated" in str(warning.message)] == []


FAILURES: list[tuple[str, Callable[[], Reply], type[RuntimeFailure], FailureKind]] = [
    ("rate limit", lambda: messages_server.rate_limited("7"), ApiUnavailable, FailureKind.TRANSIENT),
    ("overload", messages_server.overloaded, ApiUnavailable, FailureKind.TRANSIENT),
    ("server error", lambda: refuses(500), ApiUnavailable, FailureKind.TRANSIENT),
    ("unavailable", lambda: refuses(503, "overloaded_error"), ApiUnavailable, FailureKind.TRANSIENT),
    ("gateway timeout", lambda: refuses(504, "timeout_error"), ApiUnavailable, FailureKind.TRANSIENT),
    ("a proxy's page", messages_server.not_json, ApiUnavailable, FailureKind.TRANSIENT),
    ("request timeout", lambda: refuses(408), ApiUnavailable, FailureKind.TRANSIENT),
    ("conflict", lambda: refuses(409, "conflict_error"), ApiUnavailable, FailureKind.TRANSIENT),
    ("wrong key", lambda: refuses(401, "authentication_error", "invalid x-api-key"), AccountRefused, FailureKind.ACCOUNT),
    ("a proxy's 401", lambda: messages_server.not_json(401), AccountRefused, FailureKind.ACCOUNT),
    ("no payment", lambda: refuses(402, "billing_error"), AccountRefused, FailureKind.ACCOUNT),
    ("no credit", lambda: refuses(400, "invalid_request_error", "Your credit balance is too low"), AccountRefused, FailureKind.ACCOUNT),
    ("account off", lambda: refuses(403, "permission_error", "This organization has been disabled."), AccountRefused, FailureKind.ACCOUNT),
    ("used-up quota", lambda: messages_server.rate_limited("7200"), AccountRefused, FailureKind.ACCOUNT),
    ("usage limit", lambda: refuses(429, "rate_limit_error", "You have reached your usage limit"), AccountRefused, FailureKind.ACCOUNT),
    ("no permission", lambda: refuses(403, "permission_error", "no access to this model"), ApiRefused, FailureKind.PERMANENT),
    ("no such model", lambda: refuses(404, "not_found_error", "model: claude-x"), ApiRefused, FailureKind.PERMANENT),
    ("too long", messages_server.too_long, ApiRefused, FailureKind.PERMANENT),
    ("too large", lambda: refuses(413, "request_too_large"), ApiRefused, FailureKind.PERMANENT),
    ("malformed", lambda: refuses(422, "invalid_request_error"), ApiRefused, FailureKind.PERMANENT),
    ("moved", lambda: refuses(301, "", headers={"location": "http://127.0.0.1:1/"}), ApiRefused, FailureKind.PERMANENT),
    ("cut", messages_server.cut, AnswerIncomplete, FailureKind.TRANSIENT),
    ("early end", messages_server.ends_early, AnswerIncomplete, FailureKind.TRANSIENT),
    ("nothing at all", lambda: Reply([]), AnswerIncomplete, FailureKind.TRANSIENT),
    ("garbage", messages_server.garbage, ApiUnavailable, FailureKind.TRANSIENT),
    ("an unknown shape", lambda: Reply([messages_server.event("content_block_delta", {"index": 7})]), ApiUnavailable, FailureKind.TRANSIENT),
    ("overload in the stream", messages_server.error_event, ApiUnavailable, FailureKind.TRANSIENT),
    ("key revoked in the stream", lambda: messages_server.error_event("authentication_error", "no"), AccountRefused, FailureKind.ACCOUNT),
    ("refused in the stream", lambda: messages_server.error_event("invalid_request_error", "no"), ApiRefused, FailureKind.PERMANENT),
    ("something new in the stream", lambda: messages_server.error_event("brand_new_error", "?"), ApiRefused, FailureKind.UNKNOWN),
    (
        "a tool call cut off",
        lambda: messages_server.ends_early(messages_server.uses_tool("rm", {"path": "/"})),
        AnswerIncomplete,
        FailureKind.TRANSIENT,
    ),
]


class TestFailures:
    @pytest.mark.parametrize(("reply", "error", "kind"), [case[1:] for case in FAILURES], ids=[case[0] for case in FAILURES])
    async def test_every_failure_has_its_kind(self, reply: Callable[[], Reply], error: type[RuntimeFailure], kind: FailureKind) -> None:
        turn = Turn()
        async with talking([reply()]) as (runtime, server):
            with pytest.raises(error) as caught:
                await answer(runtime, turn=turn)

        assert type(caught.value) is error
        assert caught.value.kind is kind
        assert caught.value.message
        assert caught.value.advice
        assert turn.done is None
        assert len(server.requests) == 1, "the queue tries again, nobody else"
        assert KEY not in str(caught.value.data())

    @pytest.mark.parametrize("reply", [messages_server.stalls, messages_server.never_answers])
    async def test_a_server_that_goes_silent_is_given_up(self, reply: Callable[[], Reply]) -> None:
        async with talking([reply()], stall_seconds=0.3) as (runtime, server):
            with pytest.raises(ApiUnavailable, match="silent"):
                await answer(runtime)
            await eventually_async(lambda: server.requests[0].disconnected)

    async def test_what_was_said_before_the_cut_was_streamed(self) -> None:
        turn = Turn()
        async with talking([messages_server.cut("one two three four five")]) as (runtime, _):
            with pytest.raises(AnswerIncomplete):
                await answer(runtime, turn=turn)

        assert turn.deltas[0] == "one "

    @pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://no-such-host.invalid"])
    async def test_a_server_that_is_not_there_is_tried_again_later(self, address: str) -> None:
        runtime = AnthropicRuntime(KEY, base_url=address)
        with pytest.raises(ApiUnavailable, match="cannot be reached"):
            await answer(runtime)
        await runtime.aclose()

    async def test_the_servers_wait_is_handed_on(self) -> None:
        async with talking([messages_server.rate_limited("7"), messages_server.rate_limited("7200")]) as (runtime, _):
            with pytest.raises(ApiUnavailable) as short:
                await answer(runtime)
            with pytest.raises(AccountRefused) as long:
                await answer(runtime)

        assert short.value.retry_after == 7
        assert long.value.retry_after == 7200

    async def test_a_key_in_a_servers_answer_is_not_repeated(self) -> None:
        async with talking([refuses(401, "authentication_error", f"the key {KEY} is wrong")]) as (runtime, _):
            with pytest.raises(AccountRefused) as caught:
                await answer(runtime)

        assert KEY not in caught.value.message
        assert "[redacted]" in caught.value.message
        assert KEY not in repr(runtime)

    @pytest.mark.parametrize("key", ["", "sk-ant\n", "sk ant", "schlüssel"])
    def test_what_cannot_be_a_key_is_refused_without_repeating_it(self, key: str) -> None:
        with pytest.raises(AccountRefused) as caught:
            AnthropicRuntime(key)

        assert not key or key not in caught.value.message

    async def test_a_key_does_not_follow_a_redirect(self) -> None:
        async with MessagesServer() as elsewhere, talking([refuses(307, "", headers={"location": f"{elsewhere.url}/v1/messages"})]) as (runtime, _):
            with pytest.raises(ApiRefused):
                await answer(runtime)

        assert elsewhere.requests == []


class TestEnding:
    async def test_leaving_a_turn_ends_its_request(self) -> None:
        gate = Gate()
        async with talking([says("one two three", gate=gate)]) as (runtime, server):
            events = runtime.turn(request("Hello."))
            await anext(events)
            await events.aclose()

            await eventually_async(lambda: server.requests[0].disconnected)

    async def test_cancelling_a_turn_ends_its_request(self) -> None:
        async with talking([Reply([Pause(60)])]) as (runtime, server):
            turn = asyncio.create_task(answer(runtime))
            await eventually_async(lambda: server.requests)
            turn.cancel()
            with pytest.raises(asyncio.CancelledError):
                await turn

            await eventually_async(lambda: server.requests[0].disconnected)
