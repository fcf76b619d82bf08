"""Recorded episodes in the formats of other people's viewers and trainers: Rerun, MCAP, LeRobot.

Each module has ``export(recordings, out)`` and needs the extra of its name (``placecell[rerun]``), whose
packages are imported when it is called and not before.
"""
