// Drives the unmodified fhc 7.2.0, and uploads straight to the storage as a build server would, against a running server on
// fresh data. What fhc prints is judged, since its exit code says little. See run.sh for the options.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { crc32 } from "./crc32.mjs";
import { deflateSync } from "node:zlib";
