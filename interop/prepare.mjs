#!/usr/bin/env node
// Makes the BEAM releases of matrix.json available to the interop suites, as far as this machine allows it:
// the packages of the distribution, a Debian root folder for every other release, and GenStage for each; and the
// JavaScript runtimes that our side is tried with.
// What is there already is left alone. What cannot be had is one line that says why, never a failure.
//
//   npm run interop:prepare                 every release
//   TIEBEAM_OTP=25,27 npm run interop:prepare   only these
import {
  installForeignTools,
  installLocal,
  localRelease,
  makeRoot,
  rootRelease,
  whyNoRoots,
} from "./prepare/debian.mjs";
import { prepareGenStage } from "./prepare/gen-stage.mjs";
import { recordMissing, usesPackages, wantedReleases } from "./prepare/places.mjs";
import { prepareRuntimes } from "./prepare/runtimes.mjs";

const runtimes = prepareRuntimes();
// Containers bring their releases with them.
if (usesPackages) await prepareReleases();
for (const line of await runtimes) console.log(line);

async function prepareReleases() {
  const wanted = wantedReleases();
  const missing = {};
  await installLocal();
  const foreignToolsMissing = await installForeignTools();
  const local = await localRelease();
  const roots = wanted.filter((otp) => otp !== local?.otp);
  const obstacle = roots.every((otp) => rootRelease(otp)) ? undefined : await whyNoRoots();

  const ready = await Promise.all(
    wanted.map(async (otp) => {
      if (otp === local?.otp) return local;
      const present = rootRelease(otp);
      if (present) return present;
      const { release, reason } = obstacle ? { reason: obstacle } : await makeRoot(otp);
      if (!release) missing[otp] = reason;
      return release;
    }),
  );

  for (const otp of wanted) {
    const release = ready.find((each) => each?.otp === otp);
    if (release) console.log(`OTP ${otp}: Elixir ${release.elixir} (${release.root ? "Debian root folder" : "local"})`);
    else console.log(`OTP ${otp}: not available (${missing[otp]}); its suites are skipped`);
  }
  recordMissing(missing);

  for (const release of ready) if (release) console.log(await prepareGenStage(release));
  if (foreignToolsMissing) console.log(foreignToolsMissing);
}
