# Names for what ./check does; ./check needs no make.

.PHONY: all quick browser bench fuzz demo

all:
	./check

quick browser bench fuzz:
	./check $@

demo:
	go run ./cmd/caddy doorcode demo
