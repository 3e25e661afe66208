package ui

// explainLink says of a link from a mail that it does not work any more, and what its
// owner can do instead. It knows no more than the kind of the link: whether there ever
// was such a link, or an account behind it, makes no difference.
func (v *visit) explainLink(p *Problem) {
	next, m, base := v.wished(v.nextSent()), v.messages, v.facts.Base
	switch secretPrefix(v.path) {
	case magicPrefix:
		p.kind, p.steps = "link.magic", []step{{m.text("problem.link.again"), withReturn(base+"/magic", next)}}
	case resetPrefix:
		p.kind, p.steps = "link.reset", []step{{m.text("problem.link.again"), withReturn(base+"/reset", next)}}
	case confirmPrefix:
		p.kind, p.steps = "link.confirm", []step{{m.text("login.submit"), withReturn(base+"/login", next)}}
		if v.SignUps.Opened() {
			p.steps = append(p.steps, step{m.text("login.register"), withReturn(base+"/register", next)})
		}
	case emailPrefix:
		p.kind, p.steps = "link.email", []step{{m.text("problem.link.email"), base + "/account/email"}}
	case keepPrefix:
		p.kind, p.steps = "link.keep", []step{{m.text("reset_link.title"), base + "/reset"}}
	}
}
