"""A function as it was built and deployed, and the environment variables that its process gets."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

# Accepted by the emulator, worthless elsewhere; what calls AWS from a function must never find a person's own keys.
DUMMY_CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaFunction:
    """``code_folder`` holds the handler's module, each of ``layer_folders`` a ``python`` folder.

    ``label`` is what its environments are known by in the user agent of their calls (lab/gateway): its logical id.
    """

    name: str
    arn: str
    handler: str
    code_folder: Path
    layer_folders: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = 3.0
    memory_mb: int = 128
    region: str = "us-east-1"
    maximum_concurrency: int = 4
    log_group: str = ""
    label: str = ""

    def import_path(self) -> list[str]:
        """Folders searched before the runtime's own packages.

        Lambda Developer Guide, "Python search path": the function's code, then the layers.
        """
        layers = [folder / "python" / suffix for folder in self.layer_folders for suffix in (_SITE_PACKAGES, "")]
        return [str(self.code_folder), *(str(folder) for folder in layers if folder.is_dir())]

    def process_environment(self, runtime_api: str, environment_name: str = "") -> dict[str, str]:
        """Lambda Developer Guide, "Defined runtime environment variables"; the function's own come last."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": os.pathsep.join(self.import_path()),
            "PYTHONUNBUFFERED": "1",
            "LAMBDA_TASK_ROOT": str(self.code_folder),
            "LAMBDA_RUNTIME_DIR": str(Path(sys.prefix)),
            "_HANDLER": self.handler,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_mb),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": self.log_group or f"/aws/lambda/{self.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": f"[$LATEST]{self.name}",
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            **DUMMY_CREDENTIALS,
            **({"AWS_SDK_UA_APP_ID": environment_name} if environment_name else {}),
            **self.environment,
            "AWS_LAMBDA_RUNTIME_API": runtime_api,
        }


_SITE_PACKAGES: Final = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
