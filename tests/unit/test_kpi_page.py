"""The KPI page is what the table says."""

from importlib.resources import files

from streams.core.kpi_page import page
from streams.core.kpi_table import ABANDONMENTS, KPIS, SERVICE_LEVELS


def test_the_page_in_the_repository_is_current_else_write_it_by_streams_kpis_markdown() -> None:
    assert page() == (files("streams.core") / "KPIS.md").read_text()


def test_the_page_has_a_row_for_each_kpi_and_each_variant() -> None:
    rows = [line for line in page().splitlines() if line.startswith("|") and not line.startswith("| ---")]
    heads = 3
    assert len(KPIS) + len(SERVICE_LEVELS) + len(ABANDONMENTS) + heads == len(rows)
