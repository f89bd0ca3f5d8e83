# The image holds the static binary that `make image` builds, and nothing else: no shell, no library, no secret.
FROM scratch
COPY bin/linux/foxmq /foxmq
EXPOSE 1883/tcp 19793/udp
ENTRYPOINT ["/foxmq"]
CMD ["run", "/foxmq.d"]
