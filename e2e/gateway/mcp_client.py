"""The official MCP client for Python against a realm: BASE_URL is where it listens. Fails with an assertion."""

import asyncio
import os

from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client


async def main() -> None:
    async with streamablehttp_client(os.environ["BASE_URL"] + "/mcp") as (read, write, _):
        async with ClientSession(read, write) as session:
            await session.initialize()
            tools = await session.list_tools()
            assert [tool.name for tool in tools.tools] == ["search", "describe", "invoke"], tools
            found = await session.call_tool("search", {"query": "weather forecast"})
            first = found.structuredContent["capabilities"][0]["id"]
            described = await session.call_tool("describe", {"id": first})
            assert described.structuredContent["id"] == first, described
            refused = await session.call_tool("describe", {"id": "nobody/nothing"})
            assert refused.isError, refused
    print("the MCP client works")


asyncio.run(main())
