"""What the disk and the database refuse."""

from abathur_tui.domain.errors.root import AbathurError, Exit


class DiskFull(AbathurError):
    """The disk is full.

    SQLite could not write; nothing that was acknowledged is lost.
    """

    code = "ABTH-ERR-101"
    exit = Exit.REFUSED
    hint = "Free some space, and try again; an engine that is at work goes on by itself."


class DatabaseDamaged(AbathurError):
    """The project's database is damaged.

    SQLite finds the file malformed, or it is not a database at all.
    """

    code = "ABTH-ERR-102"
    hint = "Nothing was overwritten. See `abathur db check`; `abathur db recover` saves what can be saved; backups are in .abathur/backups."


class DatabaseNewer(AbathurError):
    """The project was made by a newer Abathur.

    The database's version is higher than this program knows.
    """

    code = "ABTH-ERR-103"
    exit = Exit.REFUSED
    hint = "Update Abathur: `pip install --upgrade abathur-tui`."


class DatabaseBusy(AbathurError):
    """The database is locked.

    Another program has held its write lock for more than five seconds.
    """

    code = "ABTH-ERR-104"
    hint = "End the program that the message names, or try again."


class ProjectGone(AbathurError):
    """The project's folder is gone.

    It, or its database, was removed or replaced while Abathur had it open.
    """

    code = "ABTH-ERR-105"
    hint = "Put the folder back, or leave and open another."


class NetworkFileSystem(AbathurError):
    """The project is on a network file system.

    SQLite's locks cannot be trusted there.
    """

    code = "ABTH-ERR-106"
    exit = Exit.REFUSED
    hint = "Keep .abathur on a local disk: set ABATHUR_DATA_DIR."


class NoResult(AbathurError):
    """There is no result yet.

    The task or execution has not ended, or ended without a result.
    """

    code = "ABTH-ERR-107"
    hint = "Follow it with `abathur watch`, or see why with `abathur task show`."


class DiskFailing(AbathurError):
    """The disk cannot be read or written.

    The system reports an input/output error: a failing disk, a cable, or a file system that went away.
    """

    code = "ABTH-ERR-109"
    hint = "Look at the disk (`dmesg`). Nothing that was acknowledged is lost; the engine waits, and goes on by itself when it can."


class OutOfFiles(AbathurError):
    """Too many files are open.

    This process, or the whole machine, has reached its limit of open files.
    """

    code = "ABTH-ERR-110"
    hint = "Raise the limit (`ulimit -n`), or run fewer agents at once; the engine waits, and goes on by itself."


class ContentPurged(AbathurError):
    """Its content was purged.

    Somebody has taken away what the execution was asked and what it said; hashes, times, counts and costs are left.
    """

    code = "ABTH-ERR-108"
    hint = "What was purged is nowhere any more, unless a backup or an export from before has it."


class RowUnreadable(AbathurError):
    """What the database keeps of it cannot be understood.

    A row was written or changed past Abathur, or a disk has damaged it: SQLite takes it, and it says nothing that could be worked by.
    """

    code = "ABTH-ERR-121"
    hint = "Only this is left out, all else goes on. `abathur db check` names each such row; submit it anew."


class AnswerNotWritten(AbathurError):
    """The answer could not be written.

    Standard output takes nothing: the disk behind it is full, or broken.
    """

    code = "ABTH-ERR-120"
    hint = "What was asked is done all the same, and only its answer is lost: `abathur task list` shows how things stand."
