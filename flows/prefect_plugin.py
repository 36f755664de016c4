"""Lets `prefect deployment run NAME` stand for NAME/NAME.

Prefect names a deployment FLOW/DEPLOYMENT; ours carry the same name twice. Prefect loads this
module through the entry point group `prefect.plugins` where `plugins.enabled` is set (the
repository's pyproject.toml does), and falls back to its own behaviour if anything here fails.
"""

from __future__ import annotations

from typing import Any

from prefect.plugins import HookContext, register_hook


@register_hook
def setup_environment(*, ctx: HookContext) -> None:
    """Completes deployment names without a slash before the client looks them up."""
    from prefect.client.orchestration import PrefectClient

    read_by_full_name = PrefectClient.read_deployment_by_name

    async def read_deployment_by_name(self: PrefectClient, name: str) -> Any:
        return await read_by_full_name(self, name if "/" in name else f"{name}/{name}")

    PrefectClient.read_deployment_by_name = read_deployment_by_name  # pyright: ignore
