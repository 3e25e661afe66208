import jwt  # PyJWT with its "crypto" extra


# Make keys once: jwt.PyJWKClient(issuer + "/jwks.json", lifespan=300)
def verify_assertion(keys, assertion, issuer, audience):
    key = keys.get_signing_key_from_jwt(assertion).key
    return jwt.decode(assertion, key, algorithms=["ES256"], issuer=issuer, audience=audience)
