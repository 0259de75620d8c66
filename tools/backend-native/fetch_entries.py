"""Extracts some entries of a wheel into a folder, each checked by its SHA-256.

usage: fetch_entries.py WHEEL RECORD_SHA256 FOLDER PREFIX...

WHEEL is a file, or an address whose server answers range requests: then only what is needed is fetched. RECORD_SHA256 is
that of the wheel's RECORD, which has the SHA-256 of every entry. Exit code 3: the address cannot be read that way.
"""
import base64
import csv
import hashlib
import http.client
import io
import os
import ssl
import sys
import urllib.error
import urllib.request
import zipfile
import zlib

CHUNK = 8 * 1024 * 1024
EXIT_NO_RANGES = 3


class RemoteFile(io.RawIOBase):
    """A file behind an address, read by range requests."""

    def __init__(self, address):
        certificates = os.environ.get("PIP_CERT") or os.environ.get("REQUESTS_CA_BUNDLE") or None
        self.context = ssl.create_default_context(cafile=certificates)
        self.address = address
        self.position = 0
        with self.ask(0, 0) as answer:
            self.size = int(answer.headers["Content-Range"].rpartition("/")[2])

    def ask(self, first, last):
        request = urllib.request.Request(self.address, headers={"Range": f"bytes={first}-{last}"})
        answer = urllib.request.urlopen(request, context=self.context, timeout=60)
        if answer.status != 206:
            raise urllib.error.URLError("the server answers no range requests")
        return answer

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=io.SEEK_SET):
        self.position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        return self.position

    def tell(self):
        return self.position

    def readinto(self, buffer):
        last = min(self.position + len(buffer), self.size) - 1
        if last < self.position:
            return 0
        with self.ask(self.position, last) as answer:
            data = answer.read()
        if len(data) != last - self.position + 1:
            raise urllib.error.URLError("the server sent less than it was asked for")
        buffer[: len(data)] = data
        self.position += len(data)
        return len(data)


def open_wheel(wheel):
    if "://" not in wheel:
        return open(wheel, "rb")
    return io.BufferedReader(RemoteFile(wheel), CHUNK)


def hashes_of(archive, record_sha256):
    record = next(name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
    content = archive.read(record)
    found = hashlib.sha256(content).hexdigest()
    if found != record_sha256:
        sys.exit(f"the wheel is not the pinned one: the SHA-256 of {record} is {found}, not {record_sha256}")
    return {name: digest for name, digest, _ in csv.reader(io.StringIO(content.decode()))}


def extract(archive, name, wanted, folder):
    target = os.path.join(folder, name)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    digest = hashlib.sha256()
    with archive.open(name) as source, open(target, "wb") as file:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            file.write(chunk)
    found = "sha256=" + base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
    if found != wanted:
        sys.exit(f"{name} of the wheel is damaged: its SHA-256 is {found}, not {wanted}")


def main(wheel, record_sha256, folder, *prefixes):
    with open_wheel(wheel) as file, zipfile.ZipFile(file) as archive:
        hashes = hashes_of(archive, record_sha256)
        names = [name for name in hashes if name.startswith(prefixes)]
        order = {info.filename: info.header_offset for info in archive.infolist()}
        for name in sorted(names, key=order.__getitem__):
            extract(archive, name, hashes[name], folder)


try:
    main(*sys.argv[1:])
except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
    print(f"{getattr(error, 'reason', error)}", file=sys.stderr)
    sys.exit(EXIT_NO_RANGES)
except (OSError, zipfile.BadZipFile, zlib.error) as error:
    sys.exit(f"{error}")
