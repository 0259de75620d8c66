#!/bin/sh
# Writes docker/.env with random secrets. It never overwrites one: that would lock a running system out of its data.
set -eu
file="$(dirname "$0")/.env"
if [ -e "$file" ]; then
  echo "$file exists and stays as it is. Move it away first if you want new secrets." >&2
  exit 1
fi
secret() { head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
umask 077
{
  echo "COMPOSE_PROJECT_NAME=ktrdr"
  echo "KTRDR_API_TOKEN=$(secret)"
  echo "KTRDR_ENROL_TOKEN=kte_$(secret)"
  echo "KTRDR_DATABASE_PASSWORD=$(secret)"
  echo "KTRDR_S3_ACCESS_KEY_ID=ktrdr$(head -c 6 /dev/urandom | od -An -v -tx1 | tr -d ' \n')"
  echo "KTRDR_S3_SECRET_ACCESS_KEY=$(secret)"
} >"$file.$$"
ln "$file.$$" "$file" || { rm -f "$file.$$"; exit 1; }
rm -f "$file.$$"
echo "wrote $file; keep it: the database and the object store open with these secrets only"
