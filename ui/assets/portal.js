// What the pages do better with a script; without it they work as well.
"use strict";

// A button in each password field shows what was typed.
for (const box of document.querySelectorAll(".reveal")) {
	const input = box.querySelector("input");
	const button = document.createElement("button");
	const show = (shown) => {
		input.type = shown ? "text" : "password";
		button.setAttribute("aria-pressed", String(shown));
	};
	button.type = "button";
	button.className = "eye";
	button.setAttribute("aria-label", box.dataset.label);
	button.setAttribute("aria-pressed", "false");
	button.addEventListener("click", () => show(input.type === "password"));
	// A browser remembers what was typed into plain fields.
	input.form.addEventListener("submit", () => show(false));
	box.append(button);
}

// A form is sent once, however often its button is pressed. One that downloads
// leaves the page where it is, and can be sent again. Fields of a form of the app may
// be named as properties of the form, so none is asked for.
const download = document.querySelector("form[data-downloads]");
let sent = new WeakSet();
document.addEventListener("submit", (event) => {
	if (sent.has(event.target)) {
		event.preventDefault();
	}
	if (event.target !== download) {
		sent.add(event.target);
	}
});
window.addEventListener("pageshow", () => {
	sent = new WeakSet();
});

// The fragment of an address never reaches us, so the browser carries it through
// the pages to where the visitor wanted to go.
const fragment = location.hash;
if (fragment) {
	for (const form of document.querySelectorAll('form[method="post"]')) {
		const set = Element.prototype.setAttribute;
		set.call(form, "action", Element.prototype.getAttribute.call(form, "action").split("#")[0] + fragment);
	}
	for (const link of document.querySelectorAll(".aside a")) {
		link.hash = fragment;
	}
}

// What answers a form cannot be shown again: going back to it, a browser asks
// whether to send the form once more. So the page goes by the address of the form.
const { again } = document.body.dataset;
if (again) {
	const query = new URLSearchParams();
	for (const name of ["return_to", "need"]) {
		const value = document.querySelector(`form input[name=${name}]`)?.value;
		if (value) {
			query.set(name, value);
		}
	}
	history.replaceState(null, "", again + (query.size ? "?" + query : "") + fragment);
}

// A code is sent when its last digit is typed, with all that the form says. A hint
// tells so beforehand (WCAG 3.2.2).
for (const form of document.querySelectorAll("form[data-digits]")) {
	const input = form.querySelector("input[name=code]");
	const hint = form.querySelector(".hint");
	if (hint) { // a template of an operator may have none
		hint.hidden = false;
		input.setAttribute("aria-describedby", `${input.getAttribute("aria-describedby") ?? ""} ${hint.id}`.trim());
	}
	let typed = "";
	input.addEventListener("input", () => {
		const digits = input.value.replace(/\D/g, "");
		if (digits.length === Number(form.dataset.digits) && digits !== typed) {
			form.requestSubmit();
		}
		typed = digits;
	});
}

// Backup codes can be copied, kept as a file and printed.
const tools = document.getElementById("code-tools");
if (tools) {
	const list = document.getElementById("codes");
	const text = [...list.querySelectorAll("code")].map((code) => code.textContent).join("\n") + "\n";
	document.getElementById("copy-codes").addEventListener("click", async () => {
		await navigator.clipboard.writeText(text);
		document.getElementById("codes-said").textContent = tools.dataset.copied;
	});
	document.getElementById("download-codes").addEventListener("click", () => {
		const link = document.createElement("a");
		link.href = URL.createObjectURL(new Blob([list.dataset.file + "\n\n" + text], { type: "text/plain" }));
		link.download = "backup-codes.txt";
		link.click();
		URL.revokeObjectURL(link.href);
	});
	document.getElementById("print-codes").addEventListener("click", () => print());
	tools.hidden = false;
}

// What somebody has to type elsewhere can be copied.
for (const button of document.querySelectorAll(".copy button")) {
	button.addEventListener("click", async () => {
		await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
		button.textContent = button.dataset.copied;
	});
	button.hidden = !navigator.clipboard;
}

// Passkeys. What WebAuthn wants as bytes comes and goes as base64url.
const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
const toText = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

const readOptions = (options) => {
	const read = { ...options, challenge: toBytes(options.challenge) };
	if (options.user) {
		read.user = { ...options.user, id: toBytes(options.user.id) };
	}
	for (const list of ["allowCredentials", "excludeCredentials"]) {
		if (options[list]) {
			read[list] = options[list].map((credential) => ({ ...credential, id: toBytes(credential.id) }));
		}
	}
	return read;
};

const writeCredential = (credential) => {
	const response = {};
	for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
		if (credential.response[part]) {
			response[part] = toText(credential.response[part]);
		}
	}
	if (credential.response.getTransports) {
		response.transports = credential.response.getTransports();
	}
	return {
		id: credential.id, rawId: toText(credential.rawId), type: credential.type, response,
		authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
		clientExtensionResults: credential.getClientExtensionResults(),
	};
};

const send = async (address, body) => {
	const answer = await fetch(address, {
		method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", Accept: "application/json" },
	});
	return answer.json();
};

for (const choice of document.querySelectorAll(".needs-passkeys")) {
	choice.hidden = !window.PublicKeyCredential;
}

// The browser forgets passkeys that do not work any more.
for (const { dataset } of document.querySelectorAll("[data-known]")) {
	window.PublicKeyCredential?.signalAllAcceptedCredentials?.(JSON.parse(dataset.known)).catch(() => {});
}

let waiting = new AbortController(); // of the request that autofill keeps open

for (const box of document.querySelectorAll(".passkey")) {
	const said = box.querySelector(".error");
	const button = box.querySelector("button");
	const say = (text) => {
		said.textContent = text;
		button.disabled = false;
	};
	// What the gateway says, or the problem that it tells every program.
	const whatIsWrong = (answer) => answer.errors?.passkey ?? answer.detail ?? box.dataset.failed;
	const finish = async (credential, options) => {
		const wishes = {};
		for (const wish of ["remember", "trust"]) {
			wishes[wish] = document.querySelector(`input[name=${wish}]`)?.checked ?? false;
		}
		const answer = await send(box.dataset.answer, { ...writeCredential(credential), ...wishes });
		if (answer.next) {
			location.assign(answer.next + (answer.next.includes("#") ? "" : fragment));
			return;
		}
		if (answer.unknown) {
			await PublicKeyCredential.signalUnknownCredential?.({ rpId: options.rpId, credentialId: credential.id });
		}
		say(whatIsWrong(answer));
	};
	const run = async (mediation) => {
		const asked = await send(box.dataset.ask, {});
		if (!asked.publicKey) {
			if (asked.next) {
				location.assign(asked.next);
			} else if (!mediation) {
				say(whatIsWrong(asked));
			}
			return;
		}
		const publicKey = readOptions(asked.publicKey);
		const { signal } = waiting;
		latest = performance.now() + publicKey.timeout;
		const credential = "create" in box.dataset
			? await navigator.credentials.create({ publicKey, signal })
			: await navigator.credentials.get({ publicKey, signal, mediation });
		await finish(credential, asked.publicKey);
	};
	let latest = Infinity; // when the browser gives up
	// A site must not learn whether there was a passkey at all, so a browser says
	// NotAllowedError for a person who cancels, one who is not recognized, and a
	// device without a passkey for us (WebAuthn Level 3 section 14.6.3). It says so
	// for a time-out too, which the clock tells.
	const explain = (error) => {
		switch (error.name) {
			case "NotAllowedError":
				return performance.now() < latest ? box.dataset.cancelled : box.dataset.timedOut;
			case "AbortError":
				return box.dataset.cancelled;
			case "InvalidStateError":
				return box.dataset.exists;
			case "SecurityError":
				return box.dataset.wrongDomain;
			case "NotSupportedError":
			case "ConstraintError":
				return box.dataset.unsupported;
			case "TypeError": // of fetch
				return box.dataset.offline;
			default:
				return box.dataset.failed;
		}
	};
	button.addEventListener("click", async () => {
		waiting.abort();
		waiting = new AbortController();
		said.textContent = "";
		button.disabled = true;
		try {
			await run();
		} catch (error) {
			say(explain(error));
		}
	});
	box.hidden = !window.PublicKeyCredential;
	// Autofill offers passkeys beside passwords. A challenge is good for five
	// minutes, so a page that stays open asks for another.
	const offer = async () => {
		if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) {
			return;
		}
		const mine = waiting;
		const renew = setTimeout(() => {
			if (mine === waiting) {
				waiting.abort();
				waiting = new AbortController();
				offer();
			}
		}, 240_000);
		try {
			await run("conditional");
		} catch {
			clearTimeout(renew);
		}
	};
	if ("autofill" in box.dataset && window.PublicKeyCredential) {
		offer();
	}
}
