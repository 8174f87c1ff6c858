"""The programs in an image, as the Docker engine has it."""

import io
import tarfile

from . import programs
from .ends import Refused, Unusable

FOLDER = "/usr/local/bin"
# Of one program. Ours have 20 MB.
LARGEST = 512 * 1024 * 1024


def programs_in(image):
    """Name and bytes of each program in an image. Nothing of it is run."""
    try:
        container = programs.output("docker", "create", "--pull", "never", image, "/none").strip()
    except programs.Failed as error:
        raise Unusable(f"{image}: {error}") from error
    try:
        packed = programs.output("docker", "cp", f"{container}:{FOLDER}", "-", text=False)
    except programs.Failed as error:
        raise Refused(f"{image} has no {FOLDER}: {error}") from error
    finally:
        programs.output("docker", "rm", "--volumes", container)
    found = {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            if member.isfile():
                if member.size > LARGEST:
                    raise Refused(f"{image}: {member.name} has {member.size} bytes")
                found[member.name.rsplit("/", 1)[-1]] = archive.extractfile(member).read()
    if not found:
        raise Refused(f"{image} has no program in {FOLDER}")
    return found

