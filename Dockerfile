# The image holds Node.js, the libraries that it is linked to and the package; no shell, no package manager.
#
#   docker build --tag bearerd .
#   docker run --read-only --cap-drop ALL --volume ./proxy.config.yaml:/etc/bearerd/proxy.config.yaml:ro --publish 8080:8080 bearerd
#
# See docs/install.md. test/image/ runs these very steps.

FROM node:26.10.0-trixie-slim AS build
WORKDIR /build
COPY .npmrc package.json package-lock.json ./
# Nothing that a dependency brings is run while it is installed.
RUN npm ci --ignore-scripts
COPY . .
RUN mkdir -p packed image/opt/bearerd image/usr/local/bin image/etc/bearerd \
    && npm pack --pack-destination packed \
    && tar -xzf packed/*.tgz -C image/opt/bearerd --strip-components=1 --no-same-owner \
    && ln -s /opt/bearerd/bin/bearerd.js image/usr/local/bin/bearerd
# env, for the first line of the program; it becomes Node.js, so that process 1 is Node.js itself.
RUN cp "$(node -p process.execPath)" image/usr/local/bin/node \
    && ! ldd image/usr/local/bin/node /usr/bin/env | grep 'not found' \
    && ldd image/usr/local/bin/node /usr/bin/env | grep -oE '[[:space:]]/[^ ]+' | sort -u > libraries \
    && xargs cp --dereference --parents --target-directory=image /usr/bin/env < libraries
# Names from /etc/hosts first; who the user is; and for scanners what the libraries are from.
RUN echo 'hosts: files dns' > image/etc/nsswitch.conf \
    && echo 'bearerd:x:65532:65532:bearerd:/:/sbin/nologin' > image/etc/passwd \
    && echo 'bearerd:x:65532:' > image/etc/group \
    && cp --dereference /etc/os-release image/etc/ \
    && mkdir -p image/var/lib/dpkg \
    && xargs -n 1 basename < libraries | sed 's|^|*/|' | xargs dpkg-query --search | cut -d : -f 1 | sort -u \
    | xargs dpkg-query --status > image/var/lib/dpkg/status

FROM scratch
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="bearerd" \
      org.opencontainers.image.description="An egress gateway that puts OAuth 2.0 tokens on requests" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /build/image/ /
ENV PATH=/usr/local/bin:/usr/bin \
    NODE_ENV=production \
    BEARERD_CONFIG=/etc/bearerd/proxy.config.yaml
USER 65532:65532
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --start-interval=1s CMD ["bearerd", "healthcheck"]
ENTRYPOINT ["bearerd"]
CMD ["serve"]
