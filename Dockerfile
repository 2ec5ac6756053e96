# One image a service:
#
#   docker build --build-arg SERVICE=thread-query --build-arg GRPC_PORT=50052 -t threadweaver/thread-query .
#
# `--build-arg SERVICE=load --build-arg OMIT=dev` makes the load generator's (docs/load.md), which alone needs the optional packages.
#
# Operators' commands are in each: `docker run … dist/services/admin.js thread journal verify`.
#
# Tags, not digests: no registry could be asked when this was written. A pipeline that wants the very same bytes each time
# passes RUNTIME and BUILDER with an @sha256 digest.
ARG BUILDER=node:24-bookworm-slim
ARG RUNTIME=node:24-bookworm-slim

FROM ${BUILDER} AS dependencies
ARG OMIT=optional
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# None of them needs its installation script.
RUN npm ci --omit=dev --omit="${OMIT}" --ignore-scripts --no-audit --no-fund

FROM ${BUILDER} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY gen gen
COPY platform platform
COPY services services
COPY load load
RUN node_modules/.bin/tsc -p tsconfig.json \
 && rm dist/.tsbuildinfo
# Not earlier: what is above is the same for all services, and so made once.
ARG SERVICE=thread-command
# thread-query is services/thread/query, account is services/account.
RUN case "${SERVICE}" in load) main=load ;; *-*) main="services/${SERVICE%%-*}/${SERVICE#*-}" ;; *) main="services/${SERVICE}" ;; esac \
 && test -f "dist/${main}/main.js" \
 && printf "import './dist/%s/main.js';\n" "${main}" > start.mjs

FROM ${RUNTIME}
ARG GRPC_PORT=50051
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY --from=build /app/gen/descriptor.binpb gen/descriptor.binpb
COPY --from=build /app/dist dist
COPY --from=build /app/start.mjs start.mjs
ENV NODE_ENV=production GRPC_PORT=${GRPC_PORT}
EXPOSE ${GRPC_PORT} 9464
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "dist/platform/process/health-probe/main.js"]
ENTRYPOINT ["node", "--enable-source-maps"]
CMD ["start.mjs"]
