#!/bin/sh
# SPDX-FileCopyrightText: The Doorcode authors
# SPDX-License-Identifier: Apache-2.0
#
# Writes the users of a Redis that is Doorcode's: nobody but doorcode, who may do
# what docs/operating.md lists, with the password in a file.
#
#   sh docs/install/redis-users.sh secrets/redis_password > secrets/redis_users

set -eu

hash=$(tr -d '\n' <"$1" | sha256sum | cut -d ' ' -f 1)

printf 'user default off\n'
printf 'user doorcode on #%s resetkeys ~doorcode:* resetchannels -@all %s\n' "$hash" \
	'+get +getrange +set +del +time +info +eval +evalsha +scan +select +hello +wait'
