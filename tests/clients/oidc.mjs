// A real OpenID provider on a free port of 127.0.0.1: the library oidc-provider with a few accounts, a login form, and ways to lie in
// the id token that it hands out. And a person with a browser: signIn and cancel.
import { generateKeyPairSync, sign } from "node:crypto";
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// The subjects are no names and no addresses: nothing may be read out of them.
export const ACCOUNTS = {
    alice: { sub: "10001", password: "wonderland", email: "alice@example.com", email_verified: true, name: "Alice" },
    bob: { sub: "10002", password: "builder", email: "bob@example.com", email_verified: false, name: "Bob" },
    mallory: { sub: "10003", password: "mischief", email: "admin@example.com", email_verified: false, name: "Mallory" },
};

const encoded = value => Buffer.from(JSON.stringify(value)).toString("base64url");
const decoded = text => JSON.parse(Buffer.from(text, "base64url"));
const rsa = () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;

function signed(header, claims, key) {
    const text = `${encoded(header)}.${encoded(claims)}`;
    return `${text}.${sign("sha256", Buffer.from(text), key).toString("base64url")}`;
}

// Each makes a token that a client has to refuse out of a good one; only `forged` and `unsigned` are not signed by the provider.
const LIES = {
    expired: (header, claims, key) => signed(header, { ...claims, iat: claims.iat - 7200, exp: claims.iat - 3600 }, key),
    forged: (header, claims) => signed(header, claims, rsa()),
    unsigned: (header, claims) => `${encoded({ ...header, alg: "none" })}.${encoded(claims)}.`,
    "for another client": (header, claims, key) => signed(header, { ...claims, aud: "somebody-else" }, key),
    "of another issuer": (header, claims, key) => signed(header, { ...claims, iss: "https://issuer.example.com" }, key),
    "of another sign-in": (header, claims, key) => signed(header, { ...claims, nonce: "another" }, key),
};
export const lies = Object.keys(LIES);

const FORM = `<!doctype html><title>Sign in</title><form method="post"><input name="login"><input name="password" type="password">
<button>Sign in</button><button name="cancel" value="yes">Cancel</button></form>`;

export class OpenIdProvider {
    // One of `lies`, or undefined for an honest id token.
    lie = undefined;
    // Whether it takes requests and never answers.
    silent = false;

    // `modules` is the node_modules that has oidc-provider, `callback` the client's only redirect URI.
    static async start({ modules, clientId, clientSecret, callback }) {
        const load = async file => (await import(pathToFileURL(join(modules, "oidc-provider/lib", file)))).default;
        const [Provider, MemoryAdapter] = [await load("index.js"), await load("adapters/memory_adapter.js")];
        const self = new OpenIdProvider();
        self.server = createServer((request, response) => self.silent || self.handler(request, response));
        await new Promise(resolve => self.server.listen(0, "127.0.0.1", resolve));
        self.issuer = `http://127.0.0.1:${self.server.address().port}`;
        self.key = rsa();
        const account = sub => Object.values(ACCOUNTS).find(one => one.sub === sub);
        const provider = new Provider(self.issuer, {
            clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [callback], grant_types: ["authorization_code"], response_types: ["code"] }],
            jwks: { keys: [{ ...self.key.export({ format: "jwk" }), kid: "signing", use: "sig", alg: "RS256" }] },
            cookies: { keys: ["of a test"] },
            pkce: { required: () => true, methods: ["S256"] },
            scopes: ["openid"],
            claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
            // As the large providers do it: what the scopes ask for is in the id token, too.
            conformIdTokenClaims: false,
            // Itself would be warned of.
            adapter: class extends MemoryAdapter {},
            renderError: (context, { error, error_description }) => void (context.body = `${error}: ${error_description}`),
            features: { devInteractions: { enabled: false } },
            interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
            ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
            findAccount: (_, sub) => {
                const found = account(sub);
                const { password, ...claims } = found ?? {};
                return found && { accountId: sub, claims: () => claims };
            },
            // Nobody is asked for consent.
            loadExistingGrant: async ({ oidc }) => {
                const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
                grant.addOIDCScope("openid email profile");
                await grant.save();
                return grant;
            },
        });
        provider.use(async (context, next) => {
            if (context.path.startsWith("/interaction/")) return self.ask(provider, context);
            await next();
            if (self.lie && context.body?.id_token) {
                const [header, claims] = context.body.id_token.split(".");
                context.body.id_token = LIES[self.lie](decoded(header), decoded(claims), self.key);
            }
        });
        self.handler = provider.callback();
        return self;
    }

    // The login form.
    async ask(provider, context) {
        if (context.method !== "POST") {
            context.body = FORM;
            return;
        }
        const chunks = [];
        for await (const chunk of context.req) chunks.push(chunk);
        const { login, password, cancel } = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
        const account = Object.hasOwn(ACCOUNTS, login ?? "") ? ACCOUNTS[login] : undefined;
        if (!cancel && account?.password !== password) {
            context.status = 401;
            context.body = `${FORM}<p>Unknown user or wrong password</p>`;
            return;
        }
        const result = cancel ? { error: "access_denied", error_description: "The person said no" } : { login: { accountId: account.sub } };
        context.redirect(await provider.interactionResult(context.req, context.res, result));
    }

    stop() {
        this.server.closeAllConnections();
        return new Promise(resolve => this.server.close(resolve));
    }
}

// Goes where the address leads, with cookies and the form filled in once. Gives the `callback`, which is not requested, or the `status`
// and the `page` where it ends otherwise.
async function browse(address, fields) {
    const callback = new URL(address).searchParams.get("redirect_uri");
    const cookies = new Map();
    let request = {};
    for (let pages = 0; pages < 10; pages++) {
        const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
        const response = await fetch(address, { ...request, redirect: "manual", headers: { cookie } });
        const page = await response.text();
        for (const line of response.headers.getSetCookie()) {
            const [, name, value] = line.match(/^([^=]*)=([^;]*)/);
            if (value) cookies.set(name, value);
            else cookies.delete(name);
        }
        const location = response.headers.get("location");
        if (location) {
            address = new URL(location, address).href;
            if (address.split("?")[0] === callback) return { callback: address };
            request = {};
        } else if (response.status === 200 && fields && page.includes("<form")) {
            request = { method: "POST", body: new URLSearchParams(fields) };
            fields = undefined;
        } else {
            return { status: response.status, page };
        }
    }
    throw new Error(`no end of redirects at ${address}`);
}

export const signIn = (address, login, password = ACCOUNTS[login].password) => browse(address, { login, password });
export const cancel = address => browse(address, { cancel: "yes" });
