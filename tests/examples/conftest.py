"""The programs of this folder import each other as scripts do, and its tests import them likewise."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
