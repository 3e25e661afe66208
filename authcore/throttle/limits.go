package throttle

import "time"

// Limits are the budgets of the flows that take a secret.
type Limits struct {
	// Account is per account, from browsers it does not know. Default: 5 in
	// 15 minutes.
	Account Limit
	// Device is per browser that an account knows. Default: 10 in 15 minutes.
	Device Limit
	// Network is per client network, whatever the account. Default: 30 in 15
	// minutes.
	Network Limit
	// StepUp is per signed-in user. Default: 5 in 15 minutes.
	StepUp Limit
	// Factor is how many second factors may be tried in a row per user, wherever
	// that is. Default: 5 in 15 minutes.
	Factor Limit
	// Challenge is how many WebAuthn challenges a client network, or a signed-in
	// user, may ask for, and how many answers a network may sign in with. Default:
	// 300 in 15 minutes.
	Challenge Limit
	// Mail is per address and kind of mail that strangers can ask for. Default:
	// 3 in 15 minutes.
	Mail Limit
	// MailOwn is how many links for its owner a client network can have sent to an
	// address when strangers have used Mail up. Default: 2 in 24 hours.
	MailOwn Limit
	// MailDevice is how many a browser that the account knows can have sent then.
	// Default: 3 in 15 minutes.
	MailDevice Limit
	// MailDay is how many notices and proofs of sign-ups strangers can have sent to an
	// address, of all kinds together. Default: 20 in 24 hours.
	MailDay Limit
	// MailNetwork is how many of those a client network may ask for. Default:
	// 20 in 15 minutes.
	MailNetwork Limit
	// Code is how many codes may be tried for a sign-up. Default: 5 in 15
	// minutes.
	Code Limit
	// CodeLife is how many may be tried for a sign-up in all: with six digits,
	// patience must not help. Default: 10 in 48 hours, which is how long it waits.
	CodeLife Limit
	// CodeAddress is how many may be tried for an address, in all its sign-ups: a new
	// sign-up has a new code, but must not give as many tries again. Default: 20 in 30
	// days.
	CodeAddress Limit
	// CodeDomain is how many may be tried for the addresses of a domain, where having
	// one lets people in. Default: 500 in 30 days.
	CodeDomain Limit
	// CodeNetwork is how many a client network may try, for whatever sign-up.
	// Default: 30 in 15 minutes.
	CodeNetwork Limit
	// Change is how often a user may change the password. Each change voids the links
	// of the account, so whoever knows the password could else keep the owner from
	// ever using one. Default: 10 in 24 hours.
	Change Limit
	// Keep is how many forms are kept for a user. Default: 30 in 15 minutes.
	Keep Limit
	// LockMail is how often an owner is told that an account is locked.
	// Default: once in 24 hours.
	LockMail Limit
}

// DefaultLimits returns the defaults.
func DefaultLimits() Limits {
	const (
		window = 15 * time.Minute
		day    = 24 * time.Hour
	)
	return Limits{
		Account: Limit{"account", 5, window},
		Device:  Limit{"device", 10, window},
		Network: Limit{"network", 30, window},
		StepUp:  Limit{"step_up", 5, window},
		Factor:  Limit{"factor", 5, window}, Challenge: Limit{"challenge", 300, window},
		Mail: Limit{"mail", 3, window}, MailDay: Limit{"mail_day", 20, day}, MailNetwork: Limit{"mail_network", 20, window},
		MailOwn: Limit{"mail_own", 2, day}, MailDevice: Limit{"mail_device", 3, window},
		Code: Limit{"code", 5, window}, CodeLife: Limit{"code_life", 10, 2 * day}, CodeNetwork: Limit{"code_network", 30, window},
		CodeAddress: Limit{"code_address", 20, 30 * day}, CodeDomain: Limit{"code_domain", 500, 30 * day}, LockMail: Limit{"lock_mail", 1, day},
		Change: Limit{"change", 10, day}, Keep: Limit{"keep", 30, window},
	}
}
