# syntax=docker/dockerfile:1
#
# Caddy with Doorcode, from this checkout:
#
#   docker build -t caddy-doorcode .
#
# Other modules: see xcaddy.md.

FROM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags nobadger,nomysql,nopgx -ldflags "-s -w" -o /usr/bin/caddy ./cmd/caddy
# What must be there is looked for while the image is built.
RUN caddy list-modules | grep -qx http.handlers.doorcode

FROM alpine:3
RUN apk add --no-cache ca-certificates mailcap \
    && addgroup -g 1000 caddy && adduser -D -H -u 1000 -G caddy -s /sbin/nologin caddy \
    && mkdir -p /config/caddy /data/caddy /etc/caddy && chown -R caddy:caddy /config /data
COPY --from=build /usr/bin/caddy /usr/bin/caddy
COPY docs/install/Caddyfile.welcome /etc/caddy/Caddyfile

ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data
# The secret, the storage and the certificates are in /data: keep it.
VOLUME ["/config", "/data"]
# Docker lets every user listen on these.
EXPOSE 80 443 443/udp
USER caddy
WORKDIR /srv
# Whether Caddy answers. A storage that is away is no reason to start it anew:
# sessions go on meanwhile, and it comes back by itself.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD wget -q -O /dev/null http://127.0.0.1:2019/config/ || exit 1
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
