package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// The axes of all ways to ask for something. A state is one of each: what was
// proven, how long ago, who the user is, and what the session is. Every combination
// is judged.
var (
	proofSets = allProofSets()
	ages      = []time.Duration{time.Minute, time.Hour}
	roles     = []string{"", "admin", "support"}
	marks     = []string{"", "trusted", "skipped"}
	holds     = []authcore.Hold{"", authcore.HoldSecondFactor, authcore.HoldConfirm, authcore.HoldApproval, authcore.HoldDeletion}
)

// allProofSets are all sets of one to three proofs, a key with and without a PIN.
func allProofSets() (sets [][]authcore.Factor) {
	var proofs []authcore.Factor
	for _, kind := range authcore.FactorKinds {
		proofs = append(proofs, authcore.Factor{Kind: kind})
	}
	proofs = append(proofs, authcore.Factor{Kind: authcore.FactorPasskey, UserVerified: true})
	for mask := 1; mask < 1<<len(proofs); mask++ {
		var set []authcore.Factor
		for i, p := range proofs {
			if mask>>i&1 == 1 {
				set = append(set, p)
			}
		}
		keys := len(set) - len(slices.CompactFunc(slices.Clone(set), func(a, b authcore.Factor) bool { return a.Kind == b.Kind }))
		if len(set) <= 3 && keys == 0 { // a session has one proof of a kind
			sets = append(sets, set)
		}
	}
	return sets
}

// state is a way to ask, in plain words beside the identity, so that a rule can be
// judged by the letter of the design and not by the code.
type state struct {
	name      string
	id        *authcore.Identity
	anonymous bool
	proven    map[authcore.FactorKind]time.Duration // how long ago
	pin       bool
	role      string
	mark      string
	hold      authcore.Hold
	signedIn  time.Duration // how long ago
}

func eachState(judge func(state)) (count int) {
	judge(state{name: "anonymous", anonymous: true})
	for _, set := range proofSets {
		for pattern := range 1 << len(set) { // an age for each proof
			for _, role := range roles {
				for _, mark := range marks {
					for _, hold := range holds {
						judge(newState(set, pattern, role, mark, hold))
						count++
					}
				}
			}
		}
	}
	return count
}

func newState(set []authcore.Factor, pattern int, role, mark string, hold authcore.Hold) state {
	s := state{proven: map[authcore.FactorKind]time.Duration{}, role: role, mark: mark, hold: hold}
	var names []string
	id := authcore.Identity{UserID: "u", EmailVerified: hold != authcore.HoldConfirm, Role: role, Trusted: mark == "trusted", Skipped: mark == "skipped"}
	id.Pending = hold == authcore.HoldSecondFactor
	if hold != authcore.HoldSecondFactor && hold != authcore.HoldConfirm {
		id.Held = hold
	}
	for i, f := range set {
		age := ages[pattern>>i&1]
		f.At = now.Add(-age)
		id = id.Prove(f)
		s.proven[f.Kind], s.pin, s.signedIn = age, s.pin || f.UserVerified, max(s.signedIn, age)
		names = append(names, fmt.Sprintf("%s %s (PIN %v)", f.Kind, age, f.UserVerified))
	}
	id.AuthTime = now.Add(-s.signedIn)
	s.id, s.name = &id, fmt.Sprintf("%s; %s %s %s", strings.Join(names, ", "), role, mark, hold)
	return s
}

// has reports whether one of the kinds was proven, no longer ago than age.
func (s state) has(age time.Duration, kinds ...authcore.FactorKind) bool {
	return slices.ContainsFunc(kinds, func(kind authcore.FactorKind) bool {
		at, ok := s.proven[kind]
		return ok && at <= age
	})
}

const ever = 99 * time.Hour

// strong says by the letter of the design what aal2 is: a key with a PIN, or two
// of what one knows (or reads in the mailbox), a code and a key.
func (s state) strong() bool {
	classes := 0
	for _, class := range [][]authcore.FactorKind{
		{authcore.FactorPassword, authcore.FactorLink}, {authcore.FactorTOTP, authcore.FactorBackupCode}, {authcore.FactorPasskey},
	} {
		if s.has(ever, class...) {
			classes++
		}
	}
	return s.pin || classes > 1
}

// rule is what a route asks, in the words of the configuration, with who meets it.
type rule struct {
	need Need
	met  func(state) bool
	// never says that no step-up helps those who do not meet it.
	never bool
}

const age = 10 * time.Minute

func rules() map[string]rule {
	key, code := authcore.FactorPasskey, authcore.FactorTOTP
	of := func(kinds ...authcore.FactorKind) []authcore.FactorKind { return kinds }
	any := func(state) bool { return true }
	all := map[string]rule{
		"user":        {need: Need{}, met: any},
		"admin":       {need: Need{Roles: []string{"admin"}}, met: func(s state) bool { return s.role == "admin" }, never: true},
		"fresh":       {need: Need{Fresh: age}, met: func(s state) bool { return s.has(age, authcore.FactorKinds...) }},
		"aal2":        {need: Need{Level: authcore.AAL2}, met: state.strong},
		"aal2, fresh": {need: Need{Level: authcore.AAL2, Fresh: age}, met: func(s state) bool { return s.strong() && s.has(age, authcore.SecondFactors...) }},
		"two-step":    {need: Need{TwoStep: true}, met: func(s state) bool { return s.strong() || s.mark == "trusted" }},
		"two-step of admins": {need: Need{TwoStep: true, TwoStepRoles: []string{"admin"}}, met: func(s state) bool {
			return s.strong() || s.mark == "trusted" || s.role != "admin"
		}},
	}
	for name, kinds := range map[string][]authcore.FactorKind{"passkey": of(key), "totp": of(code), "passkey or totp": of(code, key)} {
		for _, fresh := range []time.Duration{0, age} {
			for _, level := range []authcore.AssuranceLevel{"", authcore.AAL2} {
				within := ever
				if fresh > 0 {
					within = fresh
				}
				all[fmt.Sprintf("%s, %s %s", name, fresh, level)] = rule{
					need: Need{Factors: kinds, Fresh: fresh, Level: level},
					met:  func(s state) bool { return s.has(within, kinds...) && (level == "" || s.strong()) },
				}
			}
		}
	}
	for name, r := range maps.Clone(all) { // every rule, also where no second factor is asked for
		met := r.met
		all[name] = rule{r.need, func(s state) bool { return met(s) && (s.mark != "skipped" || s.strong()) }, r.never}
		r.need.OneStep = true
		all[name+", at a site of one step"] = r
	}
	return all
}

// TestEveryStateAgainstEveryRule is the table of what a rule asks and who meets it.
// A session that is held meets none; a trusted browser is no proof; a session from
// where no second factor is asked for counts there alone.
func TestEveryStateAgainstEveryRule(t *testing.T) {
	all := rules()
	met, unmet, outcomes := map[string]int{}, map[string]int{}, map[Outcome]int{}
	count := eachState(func(s state) {
		for name, r := range all {
			want := StepUp
			switch {
			case s.anonymous:
				want = SignIn
			case s.hold != "":
				want = Held
			case r.met(s):
				want, met[name] = Allow, met[name]+1
			case r.never && s.role != "admin":
				want = Forbid
				unmet[name]++
			default:
				unmet[name]++
			}
			got := Decide(&r.need, Place{}, s.id, now)
			outcomes[got.Outcome]++
			if got.Outcome != want || got.Outcome == Held && got.Hold != s.hold {
				t.Errorf("%s against %s: %s %s, want %s %s", s.name, name, got.Outcome, got.Hold, want, s.hold)
			}
			if got.Outcome == StepUp && len(got.Wanted) > 0 && !helps(r.need, s.id, got.Wanted) {
				t.Errorf("%s against %s: %v does not help", s.name, name, got.Wanted)
			}
		}
	})
	for name := range all {
		one := strings.HasPrefix(name, "user") && strings.HasSuffix(name, "one step") // that lets everybody in
		if met[name] == 0 || unmet[name] == 0 && !one {
			t.Errorf("%s: %d meet it and %d do not; the rule says nothing", name, met[name], unmet[name])
		}
	}
	for _, outcome := range []Outcome{Allow, SignIn, Held, StepUp, Forbid} {
		if outcomes[outcome] == 0 {
			t.Errorf("no state leads to %s", outcome)
		}
	}
	if want := states(); count != want {
		t.Errorf("%d states, want %d", count, want)
	}
	t.Logf("%d states against %d rules", count+1, len(all))
}

// states is how many there are by the axes.
func states() (n int) {
	for _, set := range proofSets {
		n += 1 << len(set) * len(roles) * len(marks) * len(holds)
	}
	return n
}

// helps reports whether giving what is wanted, one after the other, is enough.
func helps(need Need, id *authcore.Identity, wanted []authcore.FactorKind) bool {
	for range 3 {
		proven := id.Prove(authcore.Factor{Kind: wanted[0], At: now, UserVerified: wanted[0] == authcore.FactorPasskey})
		d := Decide(&need, Place{}, &proven, now)
		if d.Outcome == Allow {
			return true
		}
		if id = &proven; len(d.Wanted) > 0 {
			wanted = d.Wanted
		}
	}
	return false
}
