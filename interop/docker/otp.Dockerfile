# A host with a BEAM of one release, an epmd, and GenStage and the fixtures compiled by that release. BASE is an official image
# of Elixir by its exact tag; see images.json.
ARG BASE
FROM ${BASE} AS build
ARG GEN_STAGE
ENV HEX_HOME=/opt/hex MIX_HOME=/opt/mix MIX_ENV=prod
WORKDIR /opt/tiebeam
COPY elixir-fixtures/mix.exs ./
RUN mix local.hex --force && mix deps.get --only prod && mix deps.compile
COPY elixir-fixtures/lib ./lib
COPY interop/peer ./lib/peer
RUN mix compile

FROM ${BASE}-slim
ENV ERL_LIBS=/opt/tiebeam/lib HOME=/tmp
COPY --from=build /opt/tiebeam/_build/prod/lib /opt/tiebeam/lib
RUN command -v erl_call || ln -s "$(echo /usr/local/lib/erlang/lib/erl_interface-*/bin/erl_call)" /usr/local/bin/erl_call
USER nobody
EXPOSE 4369
HEALTHCHECK --interval=2s --timeout=5s --retries=15 CMD ["epmd", "-names"]
CMD ["epmd", "-port", "4369"]
