"""A real Alertmanager for tests, on a free loopback port, which tells a webhook and forgets everything when restarted."""

import shutil
import subprocess
from pathlib import Path

from streams.commands.children import free_port
from streams.edge.embedded import end_with_parent

CONFIG = """
route: {{receiver: test, group_by: [alertname, queue], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers: [{{name: test, webhook_configs: [{{url: "http://127.0.0.1:{port}/told", send_resolved: true}}]}}]
"""


class AlertmanagerServer:
    """An Alertmanager with its files in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.webhook_port = free_port()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start; who needs an answer waits for it."""
        self._directory.mkdir(exist_ok=True)
        config = self._directory / "alertmanager.yml"
        config.write_text(CONFIG.format(port=self.webhook_port))
        data = self._directory / "data"
        shutil.rmtree(data, ignore_errors=True)
        command = [
            "prometheus-alertmanager",
            f"--config.file={config}",
            f"--storage.path={data}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL, preexec_fn=end_with_parent())

    def stop(self) -> None:
        """End it, by its own process id."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None
