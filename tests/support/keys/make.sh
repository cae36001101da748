#!/bin/sh
# Makes the keys of the push tests anew. They are test keys: they protect nothing and are public.
set -eu
cd "$(dirname "$0")"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out apns-test-key.p8
openssl pkey -in apns-test-key.p8 -pubout -out apns-test-key.pub
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384-test-key.p8
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out fcm-test-key.pem
openssl pkey -in fcm-test-key.pem -pubout -out fcm-test-key.pub
