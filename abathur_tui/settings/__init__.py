"""Settings: what they are (`model`), and where each of them came from (`loading`)."""

from abathur_tui.settings.loading import Loaded, data_folder, load, user_file
from abathur_tui.settings.model import Settings

__all__ = ["Loaded", "Settings", "data_folder", "load", "user_file"]
