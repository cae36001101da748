#!/bin/sh
# Makes the certificates of the TLS tests anew. They protect nothing; their keys are public.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

# The authority, and certificates it signed: name, alternative name, first and last day.
new_key "$work/authority.key"
openssl req -x509 -new -key "$work/authority.key" -out authority.pem -days 36500 \
    -subj "/CN=Foghorn test authority"
touch "$work/index"
echo 01 > "$work/serial"
printf '[ca]\ndefault_ca=own\n[own]\ndatabase=%s\nserial=%s\nnew_certs_dir=%s\n' \
    "$work/index" "$work/serial" "$work" > "$work/ca.conf"
printf 'default_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n' >> "$work/ca.conf"
sign() {
    new_key "$1.key"
    openssl req -new -key "$1.key" -out "$work/$1.csr" -subj "/CN=$1"
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' "$2" > "$work/$1.ext"
    openssl ca -batch -notext -config "$work/ca.conf" -cert authority.pem -keyfile "$work/authority.key" \
        -in "$work/$1.csr" -out "$1.pem" -extfile "$work/$1.ext" -startdate "$3" -enddate "$4"
}
sign server IP:127.0.0.1 20200101000000Z 21200101000000Z
sign elsewhere DNS:elsewhere.example 20200101000000Z 21200101000000Z
sign expired IP:127.0.0.1 20200101000000Z 20200201000000Z

# One that nobody signed.
new_key stranger.key
openssl req -x509 -new -key stranger.key -out stranger.pem -days 36500 -subj "/CN=stranger" \
    -addext "subjectAltName=IP:127.0.0.1"
