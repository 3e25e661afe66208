import { createPublicKey, verify } from "node:crypto";

const decode = (part) => JSON.parse(Buffer.from(part, "base64url"));

// Returns the claims of an assertion or throws. Keep the key set for five minutes.
export async function verifyAssertion(assertion, issuer, audience) {
	const [head, body, signature] = assertion.split(".");
	const { alg, kid } = decode(head);
	const { keys } = await (await fetch(`${issuer}/jwks.json`)).json();
	const jwk = keys.find((key) => key.kid === kid && key.alg === "ES256");
	if (alg !== "ES256" || !jwk) throw new Error("unknown key");
	const key = { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" };
	if (!verify("sha256", Buffer.from(`${head}.${body}`), key, Buffer.from(signature, "base64url"))) throw new Error("bad signature");
	const claims = decode(body);
	if (claims.iss !== issuer || claims.aud !== audience || claims.exp * 1000 < Date.now()) throw new Error("not for us, or expired");
	return claims;
}
