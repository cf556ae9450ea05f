// What a request shows, and when that ends.

import assert from "node:assert/strict";
import { test } from "node:test";

import { fresh, isRenewable, show } from "../dist/access.js";
import { Failure } from "../dist/failure.js";
import { claimsOf, endOf } from "../dist/renewal.js";

const part = (claims) => Buffer.from(typeof claims === "string" ? claims : JSON.stringify(claims)).toString("base64url");
const jwt = (claims) => `${part({ alg: "HS256" })}.${part(claims)}.c2ln`;
const url = (query = "") => new URL(`https://hub.example/events/a${query}`);

test("a value may be given, made, or promised", async () => {
  assert.equal(fresh("given"), "given");
  assert.equal(fresh(() => "made"), "made");
  assert.equal(await fresh(async () => "promised"), "promised");
  assert.equal(fresh(undefined), undefined);
});

test("a token is a bearer, and headers have names in lower case", async () => {
  const shown = await show({ token: async () => "t", headers: () => ({ "X-Tenant": "a" }) });

  assert.deepEqual(shown, { headers: { authorization: "Bearer t", "x-tenant": "a" }, token: "t" });
});

test("without a token there is no header, and one that is given by hand replaces that of the token", async () => {
  for (const token of [undefined, null, "", () => null, async () => undefined]) {
    assert.deepEqual(await show({ token, headers: undefined }), { headers: {}, token: "" });
  }
  const { headers } = await show({ token: "t", headers: { Authorization: "Basic abc" } });
  assert.deepEqual(headers, { authorization: "Basic abc" });
});

test("only what a function makes may be another next time, and only after one 401", () => {
  const refused = new Failure("", 401);

  for (const access of [{ token: () => "" }, { headers: () => ({}) }, { url: () => "" }]) {
    assert.equal(isRenewable(access, refused, false), true);
    assert.equal(isRenewable(access, refused, true), false);
    assert.equal(isRenewable(access, new Failure("", 403), false), false);
  }
  assert.equal(isRenewable({ token: "t", headers: {}, url: url() }, refused, false), false);
});

test("the claims of a token are read, and of anything else none", () => {
  // Base64url has two characters that base64 has not, and no padding.
  const claims = { sub: ">>>???\u00ff~", exp: 1_767_225_600 };
  const ascii = { ...claims, sub: ">>>???" };

  assert.deepEqual(claimsOf(jwt(ascii)), ascii);
  assert.equal(claimsOf(jwt(claims)).exp, claims.exp);
  for (const text of ["", "k-0123456789abcdef", "a.b.c", "a..c", `a.${part("null")}.c`, `a.${part("{")}.c`, "a.%%%.c", "\u623f.\u95f4"]) {
    assert.deepEqual(claimsOf(text), {}, text);
  }
});

test("a token ends when it says so, or else the URL, or nothing does", () => {
  const signed = url("?expires=1767225600&key=default&signature=x");

  assert.equal(endOf(jwt({ exp: 1_767_225_601 }), signed), 1_767_225_601_000);
  assert.equal(endOf(jwt({ exp: 1_767_225_601.5 }), url()), 1_767_225_601_500);
  assert.equal(endOf("", signed), 1_767_225_600_000);
  assert.equal(endOf("k-0123456789abcdef", signed), 1_767_225_600_000);
  for (const exp of [undefined, null, "soon", -1, 0, {}]) assert.equal(endOf(jwt({ exp }), url()), undefined, `${exp}`);
  assert.equal(endOf(jwt(5), url()), undefined);
  assert.equal(endOf("", url("?expires=soon")), undefined);
});
