"""The official OpenAI client for Python against a realm: BASE_URL is where it listens. Fails with an assertion."""

import os

import openai

base_url = os.environ["BASE_URL"] + "/v1"
client = openai.OpenAI(base_url=base_url, api_key=os.environ["API_KEY"], max_retries=0)
say = [{"role": "user", "content": "hello"}]

whole = client.chat.completions.create(model="m", messages=say)
assert whole.choices[0].message.content == "a heard: hello", whole
assert whole.choices[0].finish_reason == "stop" and whole.usage.total_tokens == 12, whole

words, usage = "", None
for piece in client.chat.completions.create(
    model="m", messages=say, stream=True, stream_options={"include_usage": True}
):
    usage = piece.usage or usage
    if piece.choices:
        words += piece.choices[0].delta.content or ""
assert words == "a heard: hello" and usage.completion_tokens == 5, (words, usage)

tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
called = client.chat.completions.create(model="m", messages=say, tools=tools)
call = called.choices[0].message.tool_calls[0]
assert called.choices[0].finish_reason == "tool_calls" and call.function.name == "weather", called
after = client.chat.completions.create(
    model="m",
    messages=[*say, called.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "18"}],
    tools=tools,
)
assert after.choices[0].message.content == "a heard: 18", after

with client.chat.completions.stream(model="m", messages=say, tools=tools) as stream:
    final = stream.get_final_completion()
assert final.choices[0].message.tool_calls[0].function.arguments == '{"place":"Lisbon"}', final

image = "data:image/png;base64,iVBORw0KGgo="
seen = client.chat.completions.create(
    model="m",
    messages=[
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": image}},
            ],
        }
    ],
)
assert seen.choices[0].message.content == "a heard: look [image]", seen

json_mode = client.chat.completions.create(model="m", messages=say, response_format={"type": "json_object"})
assert json_mode.choices[0].message.content == '{"heard":"hello"}', json_mode

# This client asks for base64 by itself and decodes it.
vectors = client.embeddings.create(model="m", input=["four", "three"])
assert [round(x, 3) for x in vectors.data[1].embedding] == [5.0, 1.0, 0.5], vectors

images = client.images.generate(model="m", prompt="a cat", n=2)
assert len(images.data) == 2 and images.data[0].b64_json, images

speech = client.audio.speech.create(model="m", input="Hello", voice="alloy")
assert speech.read() == b"spoken: Hello"

text = client.audio.transcriptions.create(model="m", file=("a.wav", b"RIFF0000"))
assert text.text.startswith("transcriptions") and text.text.endswith("whole: true"), text

assert "m" in [model.id for model in client.models.list()]
assert client.models.retrieve("a/x").id == "a/x"

try:
    client.chat.completions.create(model="nobody", messages=say)
    raise AssertionError("no error")
except openai.NotFoundError as error:
    assert error.code == "model_not_found" and error.param == "model", error

print("openai", openai.__version__, "works")
