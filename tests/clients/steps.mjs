// What the drivers share: steps and what they expect, fhc in a home of its own, and plain HTTP.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";

export const ADMIN = "admin@example.com";
export const DOMAIN = "dev";
export const ADMIN_API = "/box/srv/1.1/admin";

let given = {};

// Reads the command line: all of these options have to be there, and those that end in "?" may.
export function options(...names) {
    const named = names.map(name => name.replace("?", ""));
    given = parseArgs({ options: Object.fromEntries(named.map(name => [name, { type: "string" }])) }).values;
    const missing = names.find(name => !name.endsWith("?") && !given[name]);
    if (missing) {
        console.error(`--${missing} is missing`);
        process.exit(2);
    }
    return given;
}

// ---- Steps and what they expect

export class Unexpected extends Error {
    constructor(command, expected, got) {
        super(`${command}\nexpected: ${shown(expected)}\ngot:      ${shown(got)}`);
    }
}

function shown(value) {
    if (typeof value === "string") return value;
    const text = JSON.stringify(value, (_, part) => (typeof part === "function" || part instanceof RegExp ? String(part) : part), 1);
    return text === undefined ? String(value) : text.length > 6000 ? `${text.slice(0, 6000)}…` : text;
}

// Where a value does not fit: an object's listed fields, all of a list, a text by a pattern, anything by a function.
function misfit(got, expected, path = "") {
    const here = fits => (fits ? undefined : { path, expected, got });
    if (typeof expected === "function") return here(expected(got));
    if (expected instanceof RegExp) return here(typeof got === "string" && expected.test(got));
    if (expected === null || typeof expected !== "object") return here(Object.is(got, expected));
    if (got === null || typeof got !== "object" || Array.isArray(got) !== Array.isArray(expected)) return here(false);
    if (Array.isArray(expected) && got.length !== expected.length) return here(false);
    for (const [key, one] of Object.entries(expected)) {
        const found = misfit(got[key], one, `${path}.${key}`);
        if (found) return found;
    }
    return undefined;
}
export const matches = (got, expected) => misfit(got, expected) === undefined;

// What is being done, for the message of a failure.
let command = "";
export function doing(what) {
    command = what;
}

export function expect(got, expected) {
    const found = misfit(got, expected);
    if (found) throw new Unexpected(found.path ? `${command}\nat ${found.path}` : command, found.expected, found.got);
    return got;
}

let passed = 0;
export async function step(title, run) {
    try {
        command = title;
        const result = await run();
        passed += 1;
        console.log(`ok - ${title}`);
        return result;
    } catch (error) {
        console.log(`not ok - ${title}\n${error instanceof Unexpected ? error.message : `${command}\n${error.stack}`}`);
        console.log(`${passed} passed, 1 failed`);
        process.exit(1);
    }
}

export function done() {
    console.log(`${passed} passed, 0 failed`);
}

export const GUID = /^[a-z2-7]{24}$/;
export const KEY = /^[0-9a-f]{40}$/;
export const JAVA_TIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d GMT \d{4}$/;
export const COLON_TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}$/;
export const containing = one => list => Array.isArray(list) && list.some(have => matches(have, one));
export const without = one => list => Array.isArray(list) && !list.some(have => matches(have, one));

// ---- fhc

export class Home {
    constructor(name, settings) {
        this.folder = join(given.work, name);
        this.file = join(this.folder, ".fhcrc");
        mkdirSync(this.folder, { recursive: true });
        if (settings !== undefined) writeFileSync(this.file, settings);
    }

    get settings() {
        const lines = existsSync(this.file) ? readFileSync(this.file, "utf8").split("\n") : [];
        return Object.fromEntries(lines.filter(line => line.includes("=")).map(line => line.split(/ *= *(.*)/).slice(0, 2)));
    }

    node(args) {
        const env = { ...process.env, HOME: this.folder, FHC_HOME: this.folder, NODE_NO_WARNINGS: "1" };
        return new Promise((resolve, reject) => {
            const child = spawn(process.execPath, args, { env, cwd: this.folder, stdio: ["ignore", "pipe", "pipe"] });
            const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
            const [out, err] = [[], []];
            child.stdout.on("data", data => out.push(data));
            child.stderr.on("data", data => err.push(data));
            child.on("error", reject);
            child.on("close", code => {
                clearTimeout(timer);
                resolve({ code, out: Buffer.concat(out).toString().trim(), err: Buffer.concat(err).toString().trim() });
            });
        });
    }

    // Runs a command that must succeed; its answer.
    async fhc(...args) {
        command = `fhc ${args.join(" ")}`;
        const ran = await this.node([given.fhc, ...args]);
        if (ran.code !== 0) throw new Unexpected(command, "exit code 0", ran);
        return ran.out;
    }

    // Runs a command with --json; its answer, which must fit.
    async json(args, expected = {}) {
        const out = await this.fhc(...args, "--json");
        let answer;
        try {
            answer = JSON.parse(out);
        } catch {
            throw new Unexpected(command, "JSON", out);
        }
        // No answer of ours has another status, and fhc succeeds whatever it is.
        if ("status" in answer && answer.status !== "ok") throw new Unexpected(command, { status: "ok" }, answer);
        return expect(answer, expected);
    }

    // `fhc call`, which writes "ok" over the status: an error is known by its message.
    async call(path, data, expected = {}) {
        return this.json(["call", `--url=${path}`, "--method=POST", `--data=${JSON.stringify(data)}`], { message: undefined, statusCode: 200, ...expected });
    }

    // Runs a command that must fail and say all of that.
    async refused(args, ...texts) {
        command = `fhc ${args.join(" ")}`;
        const ran = await this.node([given.fhc, ...args]);
        const said = `${ran.out}\n${ran.err}`;
        if (ran.code === 0 || !texts.every(text => (text instanceof RegExp ? text.test(said) : said.includes(text)))) throw new Unexpected(command, { failing: true, saying: texts }, ran);
    }

    // `fhc auth` takes no params on the command line (-p is an alias of two options); the module does.
    async auth(request) {
        const module = JSON.stringify(dirname(dirname(given.fhc)));
        const script = `const fhc = require(${module});
            fhc.load(() => fhc.auth(${JSON.stringify(request)}, (error, answer) => { console.log(JSON.stringify(answer ?? { error })); process.exit(0); }));`;
        command = `fhc.auth ${JSON.stringify(request)}`;
        const ran = await this.node(["-e", script]);
        try {
            return JSON.parse(ran.out);
        } catch {
            throw new Unexpected(command, "an answer", ran);
        }
    }
}

// ---- Plain HTTP

export class Api {
    cookie = "";

    constructor(url) {
        this.url = url;
    }

    // Signs in as a member; further requests carry the cookie.
    async login(user, password) {
        const answer = await this.post("/box/srv/1.1/act/sys/auth/login", { u: user, p: password }, { status: "ok", result: "ok", login: /^.{24,}$/ });
        this.cookie = `feedhenry=${answer.login}`;
        return answer;
    }

    async post(path, body, expected = { status: "ok" }, status = 200) {
        command = `POST ${path} ${JSON.stringify(body)}`;
        const headers = { "content-type": "application/json", cookie: this.cookie };
        const response = await fetch(this.url + path, { method: "POST", headers, body: JSON.stringify(body) });
        const text = await response.text();
        let answer;
        try {
            answer = JSON.parse(text);
        } catch {
            throw new Unexpected(command, "JSON", text);
        }
        if (typeof status === "function" ? !status(response.status) : response.status !== status) {
            throw new Unexpected(command, status, { status: response.status, answer });
        }
        return expect(answer, expected);
    }
}
