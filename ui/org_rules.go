package ui

import (
	"net/http"
	"slices"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/org"
)

// rulesView is what an organization asks of its members.
type rulesView struct {
	Org     orgRef
	TwoStep bool
	Ages    []optionView
	Methods []optionView
	// Affected are members without two-step sign-in, Others says that there are
	// more of them than are named.
	Affected []memberItem
	Count    string
	Others   bool
	Errors   map[string]string
}

func (v *visit) showRules() error {
	ref, err := v.settled()
	if err != nil {
		return err
	}
	some, all, err := v.withoutTwoStep()
	if err != nil {
		return err
	}
	if v.wantsJSON() {
		names := make([]string, len(some))
		for i, m := range some {
			names[i] = m.Email
		}
		body := rulesJSON(ref.standing.Rules)
		body["status"], body["affected"], body["affected_count"] = "ok", names, all
		return v.json(http.StatusOK, body)
	}
	return v.show("org_rules", v.rulesView(ref, ref.standing.Rules, some, all))
}

// affectedShown is how many members are named who do not meet a rule.
const affectedShown = 20

// withoutTwoStep returns some of the members who would have to set two-step sign-in up,
// and how many there are.
func (v *visit) withoutTwoStep() (some []org.Member, all int, err error) {
	return v.Orgs.Affected(v.r.Context(), v.actor(), v.orgSlug(), authcore.OrgRules{TwoStep: true}, affectedShown)
}

func rulesJSON(rules authcore.OrgRules) map[string]any {
	body := map[string]any{"two_step": rules.TwoStep, "max_age": "", "methods": append([]authcore.FactorKind{}, rules.Methods...)}
	if rules.MaxAge > 0 {
		body["max_age"] = rules.MaxAge.String()
	}
	return body
}

func (v *visit) rulesView(ref orgRef, rules authcore.OrgRules, some []org.Member, all int) rulesView {
	view := rulesView{Org: ref, TwoStep: rules.TwoStep, Ages: v.ages(rules.MaxAge), Others: all > len(some)}
	if all > 0 {
		view.Count = v.counted("org_rules.affected", all)
	}
	for _, m := range some {
		view.Affected = append(view.Affected, v.viewMember(ref, m))
	}
	for _, kind := range org.RuleMethods {
		view.Methods = append(view.Methods, optionView{"method_" + string(kind), v.messages.text("org_rules.method." + string(kind)), slices.Contains(rules.Methods, kind)})
	}
	return view
}

const day = 24 * time.Hour

// ages are how long a proof may count, with the one that is chosen.
func (v *visit) ages(chosen time.Duration) []optionView {
	options := []optionView{
		{"", v.messages.text("org_rules.age_any"), chosen == 0},
		{time.Hour.String(), v.messages.text("org_rules.age_hour"), chosen == time.Hour},
		{(8 * time.Hour).String(), v.messages.text("org_rules.age_shift"), chosen == 8*time.Hour},
		{day.String(), v.messages.text("org_rules.age_day"), chosen == day},
		{(7 * day).String(), v.messages.text("org_rules.age_week"), chosen == 7*day},
		{(30 * day).String(), v.messages.text("org_rules.age_month"), chosen == 30*day},
	}
	if !slices.ContainsFunc(options, func(o optionView) bool { return o.Selected }) {
		options = append(options, optionView{chosen.String(), chosen.String(), true})
	}
	return options
}

func (v *visit) setRules() error {
	rules, err := v.postedRules()
	if err == nil {
		err = v.Orgs.SetRules(v.r.Context(), v.actor(), v.orgSlug(), rules)
	}
	if err == nil {
		return v.done(v.orgPath("/settings?saved=1"))
	}
	status, problems, err := v.refused(err, "two_step")
	if problems == nil {
		return err
	}
	ref, err := v.standing()
	if err != nil {
		return err
	}
	some, all, err := v.withoutTwoStep()
	if err != nil {
		return err
	}
	view := v.rulesView(ref, rules, some, all)
	view.Errors = problems
	return v.again(status, "org_rules", view, problems)
}

func (v *visit) postedRules() (authcore.OrgRules, error) {
	rules := authcore.OrgRules{TwoStep: v.form.checked("two_step")}
	for _, kind := range org.RuleMethods {
		if v.form.checked("method_" + string(kind)) {
			rules.Methods = append(rules.Methods, kind)
		}
	}
	text := v.form["max_age"]
	if text == "" {
		return rules, nil
	}
	age, err := time.ParseDuration(text)
	if err != nil || age == 0 {
		return rules, &account.InvalidError{Fields: map[string]account.Problem{"max_age": org.ProblemAge}}
	}
	rules.MaxAge = age
	return rules, nil
}
