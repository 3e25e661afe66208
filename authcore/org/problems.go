package org

import (
	"regexp"
	"strings"

	"github.com/sigra-auth/sigra/authcore/account"
)

// The problems of fields, beside those of package account.
const (
	ProblemNameLink account.Problem = "name_link"
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

// hasLink reports whether a name holds what says that it is a link: strangers get mails
// with it, in the name of the site. A domain alone does not, since many companies are
// called by theirs; one with a path does.
func hasLink(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "://") || strings.Contains(name, "www.") ||
		domainWithPath.MatchString(name) || address.MatchString(name)
}

var (
	domainWithPath = regexp.MustCompile(`[\pL\pN]\.\pL[\pL\pN-]*[\pL\pN][/\\:?#]`)
	address        = regexp.MustCompile(`\d\.\d+\.\d+\.\d`)
)
