package org

import "github.com/sigra-auth/sigra/authcore/account"

// The problems of fields, beside those of package account.
const (
	ProblemSlug     account.Problem = "slug_invalid"
	ProblemSlugUsed account.Problem = "slug_taken"
	ProblemTyped    account.Problem = "typed_wrong"
	ProblemRole     account.Problem = "role_unknown"
	ProblemDomain   account.Problem = "domain_invalid"
	ProblemLockout  account.Problem = "rules_lock_you_out"
	ProblemAge      account.Problem = "max_age_invalid"
	ProblemMethods  account.Problem = "methods_invalid"
)

func invalid(field string, p account.Problem) error {
	return &account.InvalidError{Fields: map[string]account.Problem{field: p}}
}
