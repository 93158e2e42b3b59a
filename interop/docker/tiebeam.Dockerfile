# Our side: the project, with what its interop suites need.
FROM node:20.20.2-bookworm
WORKDIR /opt/tiebeam
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build
HEALTHCHECK --interval=2s --timeout=5s --retries=15 CMD ["node", "dist/cli/main.js", "--version"]
CMD ["npm", "run", "interop:docker"]
