import { because, type Differences } from "./differential.ts"

/** Where we mean to say something else than `oidc-provider`: each was looked at, and has its reason. */
export const differences: Differences = {
  ...because(
    "A client that does not show who it is, or not in a way that can be read, is `invalid_client` (RFC 6749, 5.2).",
    {
      "device: without a client": ["4xx invalid_request", "4xx invalid_client"],
      "introspection: a token and no client": ["4xx invalid_request", "4xx invalid_client"],
      "pushed: no client": ["4xx invalid_request", "4xx invalid_client"],
      "revocation: a token and no client": ["4xx invalid_request", "4xx invalid_client"],
      "token: a header of base64 for URLs": ["4xx invalid_request", "4xx invalid_client"],
      "token: a header of bytes that are no UTF-8": ["4xx invalid_request", "4xx invalid_client"],
      "token: a header that is not base64": ["4xx invalid_request", "4xx invalid_client"],
      "token: a header with a percent sign that encodes nothing": ["4xx invalid_request", "4xx invalid_client"],
      "token: a header with another scheme": ["4xx invalid_request", "4xx invalid_client"],
      "token: a header with nothing in it": ["4xx invalid_request", "4xx invalid_client"],
      "token: a header without a colon": ["4xx invalid_request", "4xx invalid_client"],
      "token: a public client in a header": ["4xx invalid_request", "4xx invalid_client"],
      "token: a public client without its client_id": ["4xx invalid_request", "4xx invalid_client"],
      "token: a refresh_token without any client": ["4xx invalid_request", "4xx invalid_client"],
      "token: a secret in the URL": ["4xx invalid_request", "4xx invalid_client"],
      "token: a secret that is not form-encoded": ["4xx invalid_request", "4xx invalid_client"],
      "token: an assertion of three dots": ["4xx invalid_request", "4xx invalid_client"],
      "token: an assertion that is none": ["4xx invalid_request", "4xx invalid_client"],
      "token: an assertion with another type": ["4xx invalid_request", "4xx invalid_client"],
      "token: an assertion without its type": ["4xx invalid_request", "4xx invalid_client"],
      "token: an empty assertion": ["4xx invalid_request", "4xx invalid_client"],
      "token: an empty body": ["4xx invalid_request", "4xx invalid_client"],
      "token: an empty client in a header": ["4xx invalid_request", "4xx invalid_client"],
      "token: an empty client_id": ["4xx invalid_request", "4xx invalid_client"],
      "token: an empty secret in a header": ["4xx invalid_request", "4xx invalid_client"],
      "token: no client": ["4xx invalid_request", "4xx invalid_client"],
      "token: parameters in the URL": ["4xx invalid_request", "4xx invalid_client"]
    }
  ),
  ...because(
    "A client shows who it is in the one way it is registered with, so that what has leaked from one is of no use in another.",
    {
      "token: a secret in a header instead of the body": [
        "2xx accepted (https://notes.example/mcp: notes:read notes:write)",
        "4xx invalid_client"
      ],
      "token: a secret in the body instead of a header": [
        "2xx accepted (https://notes.example/mcp: notes:read notes:write)",
        "4xx invalid_client"
      ]
    }
  ),
  ...because("What a client may not use is `unauthorized_client` (RFC 6749, 5.2).", {
    "device: a client without the grant": ["4xx invalid_request", "4xx unauthorized_client"],
    "token: a device_code of a client without the grant": ["4xx invalid_request", "4xx unauthorized_client"],
    "token: a grant that the client did not register": ["4xx invalid_request", "4xx unauthorized_client"],
    "token: client credentials of a public client": ["4xx invalid_request", "4xx unauthorized_client"]
  }),
  ...because(
    "An assertion names this server alone, for somebody else could pass it on, and is good for five minutes (draft-ietf-oauth-rfc7523bis).",
    {
      "token: an assertion for a list of the issuer": [
        "2xx accepted (https://notes.example/mcp: notes:read)",
        "4xx invalid_client"
      ],
      "token: an assertion for the issuer and somebody else": [
        "2xx accepted (https://notes.example/mcp: notes:read)",
        "4xx invalid_client"
      ],
      "token: an assertion for the token endpoint": [
        "2xx accepted (https://notes.example/mcp: notes:read)",
        "4xx invalid_client"
      ],
      "token: an assertion made tomorrow": [
        "2xx accepted (https://notes.example/mcp: notes:read)",
        "4xx invalid_client"
      ],
      "token: an assertion of a year": ["2xx accepted (https://notes.example/mcp: notes:read)", "4xx invalid_client"],
      "token: an assertion of an hour": ["2xx accepted (https://notes.example/mcp: notes:read)", "4xx invalid_client"]
    }
  ),
  ...because("A challenge is a SHA-256 in base64url, which has 43 characters (RFC 7636, 4.2).", {
    "authorize: a code_challenge of 128 characters": ["2xx accepted", "3xx redirect invalid_request"],
    "authorize: a code_challenge of 44 characters": ["2xx accepted", "3xx redirect invalid_request"],
    "authorize: a code_challenge with a tilde": ["2xx accepted", "3xx redirect invalid_request"],
    "pushed: a code_challenge of 128 characters": ["2xx accepted", "4xx invalid_request"],
    "pushed: a code_challenge of 44 characters": ["2xx accepted", "4xx invalid_request"],
    "pushed: a code_challenge with a tilde": ["2xx accepted", "4xx invalid_request"]
  }),
  ...because(
    "A verifier that is missing is a request that is not whole; what is wrong with a grant is said of grants.",
    {
      "token: an empty code_verifier": ["4xx invalid_grant", "4xx invalid_request"],
      "token: no code_verifier of a client with a secret": ["4xx invalid_grant", "4xx invalid_request"],
      "token: no code_verifier": ["4xx invalid_grant", "4xx invalid_request"]
    }
  ),
  ...because("The redirect URI of a code is always there, and is compared (RFC 6749, 4.1.3).", {
    "authorize: no redirect_uri where one is registered": ["2xx accepted", "4xx"],
    "token: an empty redirect_uri": ["4xx invalid_request", "4xx invalid_grant"],
    "token: no redirect_uri where one is registered": [
      "2xx accepted (https://notes.example/mcp: notes:read notes:write)",
      "4xx invalid_grant"
    ],
    "token: no redirect_uri": ["4xx invalid_request", "4xx invalid_grant"]
  }),
  ...because("A port is written as it is registered or as a number, and not with zeros before it.", {
    "authorize: a port with zeros": ["2xx accepted", "4xx"]
  }),
  ...because("A token is for one resource, so one is asked for (RFC 8707, 2; 2.1 of the profile of MCP).", {
    "authorize: one resource twice": ["2xx accepted", "3xx redirect invalid_target"],
    "authorize: two resources": ["2xx accepted", "3xx redirect invalid_target"],
    "pushed: one resource twice": ["2xx accepted", "4xx invalid_target"],
    "pushed: two resources": ["2xx accepted", "4xx invalid_target"],
    "token: none of two resources that were asked for": ["4xx invalid_target", "not sent"],
    "token: one of two resources that were asked for": [
      "2xx accepted (https://mail.example/mcp: mail:read)",
      "not sent"
    ]
  }),
  ...because(
    "A parameter is there once, whether it is known or not (RFC 6749, 3.1): what one reader passes over, another reads.",
    {
      "authorize: an unknown parameter twice": ["2xx accepted", "3xx redirect invalid_request"],
      "pushed: an unknown parameter twice": ["2xx accepted", "4xx invalid_request"],
      "token: an unknown parameter twice": [
        "2xx accepted (https://notes.example/mcp: notes:read notes:write)",
        "4xx invalid_request"
      ]
    }
  ),
  ...because(
    "Codes come back in the query alone; an answer in another way is not offered, and is an `invalid_request` like other values there are not.",
    {
      "authorize: an unknown response_mode": ["3xx redirect unsupported_response_mode", "3xx redirect invalid_request"],
      "authorize: response_mode form_post": ["2xx accepted", "3xx redirect invalid_request"],
      "authorize: response_mode fragment": ["2xx accepted", "3xx redirect invalid_request"],
      "authorize: response_mode jwt": ["3xx redirect unsupported_response_mode", "3xx redirect invalid_request"],
      "authorize: response_mode query.jwt": ["3xx redirect unsupported_response_mode", "3xx redirect invalid_request"],
      "authorize: response_mode web_message": [
        "3xx redirect unsupported_response_mode",
        "3xx redirect invalid_request"
      ],
      "pushed: an unknown response_mode": ["4xx unsupported_response_mode", "4xx invalid_request"],
      "pushed: response_mode form_post": ["2xx accepted", "4xx invalid_request"],
      "pushed: response_mode fragment": ["2xx accepted", "4xx invalid_request"],
      "pushed: response_mode jwt": ["4xx unsupported_response_mode", "4xx invalid_request"],
      "pushed: response_mode query.jwt": ["4xx unsupported_response_mode", "4xx invalid_request"],
      "pushed: response_mode web_message": ["4xx unsupported_response_mode", "4xx invalid_request"]
    }
  ),
  ...because(
    "Where none of the scopes asked for is to be had, there is nothing to ask a user for: `invalid_scope` (RFC 6749, 3.3).",
    {
      "authorize (bare): openid alone": ["2xx accepted", "3xx redirect invalid_scope"],
      "authorize: a scope in capitals": ["2xx accepted", "3xx redirect invalid_scope"],
      "authorize: a scope of 4 KB": ["2xx accepted", "3xx redirect invalid_scope"],
      "authorize: a scope of another resource": ["2xx accepted", "3xx redirect invalid_scope"],
      "authorize: an unknown scope": ["2xx accepted", "3xx redirect invalid_scope"],
      "device: an unknown scope": ["2xx accepted", "4xx invalid_scope"],
      "pushed: a scope in capitals": ["2xx accepted", "4xx invalid_scope"],
      "pushed: a scope of 4 KB": ["2xx accepted", "4xx invalid_scope"],
      "pushed: a scope of another resource": ["2xx accepted", "4xx invalid_scope"],
      "pushed: an unknown scope": ["2xx accepted", "4xx invalid_scope"],
      "token: client credentials of a scope of another resource": [
        "2xx accepted (https://notes.example/mcp: )",
        "4xx invalid_scope"
      ],
      "token: client credentials of an unknown scope": [
        "2xx accepted (https://notes.example/mcp: )",
        "4xx invalid_scope"
      ]
    }
  ),
  ...because("Spaces between scopes separate them, however many there are.", {
    "authorize: a space around the scope": ["3xx redirect invalid_scope", "2xx accepted"],
    "authorize: two spaces between scopes": ["3xx redirect invalid_scope", "2xx accepted"],
    "pushed: a space around the scope": ["4xx invalid_scope", "2xx accepted"],
    "pushed: two spaces between scopes": ["4xx invalid_scope", "2xx accepted"]
  }),
  ...because(
    "A client that names no scopes gets those of the resource; of its own kind it has been given what it may have.",
    {
      "token: client credentials of an empty scope": [
        "2xx accepted (https://notes.example/mcp: )",
        "2xx accepted (https://notes.example/mcp: notes:read notes:write)"
      ],
      "token: client credentials without a scope": [
        "2xx accepted (https://notes.example/mcp: )",
        "2xx accepted (https://notes.example/mcp: notes:read notes:write)"
      ]
    }
  ),
  ...because("`max_age`, `nonce`, `prompt` and what is passed over mean the same with and without `openid`.", {
    "authorize (bare): max_age": ["3xx redirect invalid_request", "2xx accepted"],
    "authorize: acr_values without openid": ["3xx redirect invalid_request", "2xx accepted"],
    "authorize: id_token_hint without openid": ["3xx redirect invalid_request", "2xx accepted"],
    "authorize: max_age without openid": ["3xx redirect invalid_request", "2xx accepted"],
    "authorize: nonce without openid": ["3xx redirect invalid_request", "2xx accepted"],
    "authorize: prompt select_account": ["3xx redirect invalid_request", "2xx accepted"],
    "pushed: acr_values without openid": ["4xx invalid_request", "2xx accepted"],
    "pushed: id_token_hint without openid": ["4xx invalid_request", "2xx accepted"],
    "pushed: max_age without openid": ["4xx invalid_request", "2xx accepted"],
    "pushed: nonce without openid": ["4xx invalid_request", "2xx accepted"],
    "pushed: prompt select_account": ["4xx invalid_request", "2xx accepted"]
  }),
  ...because("`max_age` is a number of seconds in digits.", {
    "authorize: max_age in another notation": ["2xx accepted", "3xx redirect invalid_request"]
  }),
  ...because("What is there has to be right, also where it could be passed over.", {
    "authorize: claims that are a list": ["2xx accepted", "3xx redirect invalid_request"],
    "authorize: claims that are none": ["2xx accepted", "3xx redirect invalid_request"],
    "authorize: dpop_jkt that is none": ["2xx accepted", "3xx redirect invalid_request"],
    "pushed: dpop_jkt that is none": ["2xx accepted", "4xx invalid_request"]
  }),
  ...because("OpenID Connect has a request by POST (Core, 3.1.2.1).", {
    "authorize: POST": ["4xx", "2xx accepted"]
  }),
  ...because(
    "A request that was pushed is used once, and by the client that pushed it (RFC 9126, 4); before it is found nobody knows whose redirect URI it is.",
    {
      "authorize: a request_uri that was never pushed": ["3xx redirect invalid_request_uri", "4xx"],
      "authorize: what another client pushed": ["3xx redirect invalid_request_object", "4xx"],
      "authorize: what was pushed, again after somebody said no": ["2xx accepted", "4xx"],
      "authorize: what was pushed, again before anybody said yes": ["2xx accepted", "4xx"]
    }
  ),
  ...because("A pushed request with `request_uri` is `invalid_request` (RFC 9126, 2.1).", {
    "pushed: a foreign request_uri": ["4xx request_uri_not_supported", "4xx invalid_request"],
    "pushed: a request object and a request_uri": ["4xx request_not_supported", "4xx invalid_request"],
    "pushed: a request_uri inside the network": ["4xx request_uri_not_supported", "4xx invalid_request"],
    "pushed: a request_uri of before": ["4xx request_uri_not_supported", "4xx invalid_request"],
    "pushed: a request_uri that was never pushed": ["4xx request_uri_not_supported", "4xx invalid_request"]
  }),
  ...because("Access tokens are JWTs here and are known all the same: to be revoked, and asked about.", {
    "introspection: a client's own access token": ["4xx unsupported_token_type", "2xx accepted"],
    "introspection: a token that looks like a JWT": ["4xx unsupported_token_type", "2xx"],
    "introspection: an access token of another client's": ["4xx unsupported_token_type", "2xx accepted"],
    "introspection: an access token": ["4xx unsupported_token_type", "2xx accepted"],
    "revocation: a client's own access token": ["4xx unsupported_token_type", "2xx accepted"],
    "revocation: a token that looks like a JWT": ["4xx unsupported_token_type", "2xx accepted"],
    "revocation: an access token of another client's": ["4xx unsupported_token_type", "2xx accepted"],
    "revocation: an access token": ["4xx unsupported_token_type", "2xx accepted"]
  }),
  ...because(
    "Of a token of another client's nothing is said and nothing is done: not even that it is there (RFC 7009, 2.2; RFC 7662, 2.2).",
    {
      "introspection: a public client's own token": ["2xx accepted", "4xx invalid_client"],
      "introspection: a public client, and a token of another": ["2xx", "4xx invalid_client"],
      "introspection: a token of another client's": ["2xx accepted", "2xx"],
      "revocation: a token of another client's": ["4xx invalid_request", "2xx accepted"]
    }
  ),
  ...because(
    "User info is asked with an access token that has `openid`, whatever resource it is for besides, and says which scope is missing (RFC 6750, 3.1).",
    {
      "userinfo: a bound token as if it were not": ["4xx invalid_request", "4xx invalid_token"],
      "userinfo: a bound token without a proof": ["4xx invalid_request", "4xx invalid_token"],
      "userinfo: a client's own token": ["4xx invalid_token", "4xx insufficient_scope"],
      "userinfo: a token in the URL": ["4xx invalid_request", "4xx invalid_token"],
      "userinfo: a token with openid, for a resource": ["4xx invalid_token", "2xx accepted"],
      "userinfo: a token without openid": ["4xx invalid_token", "4xx insufficient_scope"],
      "userinfo: an empty token": ["4xx invalid_request", "4xx invalid_token"],
      "userinfo: another scheme": ["4xx invalid_request", "4xx invalid_token"]
    }
  ),
  ...because("Devices that ask too soon are told so (RFC 8628, 3.5).", {
    "token: a device_code at once again": ["4xx authorization_pending", "4xx slow_down"]
  }),
  ...because("A GET of an endpoint for programs is 405.", {
    "device: GET": ["5xx", "4xx"]
  }),
  ...because(
    "A proof is good for a minute, in the words of the standard and once; the error of one is its own (RFC 9449, 4.3 and 5).",
    {
      "token (nonce): a proof with a nonce, of an hour ago": [
        "2xx accepted (https://notes.example/mcp: notes:read, bound)",
        "4xx invalid_dpop_proof"
      ],
      "token (nonce): a proof without a nonce, of an hour ago": ["4xx use_dpop_nonce", "4xx invalid_dpop_proof"],
      "token: a proof again": ["4xx invalid_grant", "4xx invalid_dpop_proof"],
      "token: a proof of an hour ago": ["4xx use_dpop_nonce", "4xx invalid_dpop_proof"],
      "token: a proof of the next hour": ["4xx use_dpop_nonce", "4xx invalid_dpop_proof"],
      "token: a proof of two minutes ago": [
        "2xx accepted (https://notes.example/mcp: notes:read, bound)",
        "4xx invalid_dpop_proof"
      ],
      "token: a proof with a jti of 10 KB": [
        "2xx accepted (https://notes.example/mcp: notes:read, bound)",
        "4xx invalid_dpop_proof"
      ],
      "token: a proof with a nonce that nobody asked for": [
        "4xx use_dpop_nonce",
        "2xx accepted (https://notes.example/mcp: notes:read, bound)"
      ],
      "token: a proof with its typ in capitals": [
        "2xx accepted (https://notes.example/mcp: notes:read, bound)",
        "4xx invalid_dpop_proof"
      ],
      "token: a proof with the whole media type": [
        "2xx accepted (https://notes.example/mcp: notes:read, bound)",
        "4xx invalid_dpop_proof"
      ],
      "token: an empty proof": ["2xx accepted (https://notes.example/mcp: notes:read)", "4xx invalid_dpop_proof"]
    }
  ),
  ...because(
    "What a client does without, or nobody knows, is left out, and the answer says what it has got (RFC 7591, 3.2.1).",
    {
      "registration: a contact that is none": ["4xx invalid_client_metadata", "2xx accepted"],
      "registration: a redirect to https on the loopback": ["4xx invalid_redirect_uri", "2xx accepted"],
      "registration: an unknown grant": ["4xx invalid_client_metadata", "2xx accepted"],
      "registration: an unknown scope": ["4xx invalid_client_metadata", "2xx accepted"],
      "registration: grant password": ["4xx invalid_client_metadata", "2xx accepted"]
    }
  ),
  ...because(
    "What a client says of itself is bounded, may not run anything, and is `invalid_client_metadata` where it is none (RFC 7591, 3.2.2).",
    {
      "registration: JSON that says nothing": ["4xx invalid_redirect_uri", "4xx invalid_client_metadata"],
      "registration: a form": ["4xx invalid_request", "4xx invalid_client_metadata"],
      "registration: a list": ["4xx invalid_request", "4xx invalid_client_metadata"],
      "registration: a name of 10 KB": ["2xx accepted", "4xx invalid_client_metadata"],
      "registration: a redirect that is a number": ["4xx invalid_redirect_uri", "4xx invalid_client_metadata"],
      "registration: a redirect with a scheme without dots": ["2xx accepted", "4xx invalid_redirect_uri"],
      "registration: a redirect with a user": ["2xx accepted", "4xx invalid_redirect_uri"],
      "registration: a redirect with a wildcard": ["2xx accepted", "4xx invalid_redirect_uri"],
      "registration: a thousand redirects": ["2xx accepted", "4xx invalid_redirect_uri"],
      "registration: an application_type of web on the loopback": ["2xx accepted", "4xx invalid_redirect_uri"],
      "registration: an empty body": ["4xx invalid_request", "4xx invalid_client_metadata"],
      "registration: keys inside the network": ["2xx accepted", "4xx invalid_client_metadata"],
      "registration: no JSON": ["4xx invalid_request", "4xx invalid_client_metadata"],
      "registration: nothing": ["4xx invalid_request", "4xx invalid_client_metadata"],
      "registration: redirects that are no list": ["4xx invalid_redirect_uri", "4xx invalid_client_metadata"]
    }
  ),
  ...because("A document is where the standard has it, and pages of any origin may ask for it.", {
    "document (bare): the metadata of OpenID": ["2xx accepted", "4xx"],
    "document: OPTIONS of the keys": ["4xx", "2xx accepted"],
    "document: OPTIONS of the metadata of OAuth": ["4xx", "2xx accepted"],
    "document: OPTIONS of the metadata of OpenID": ["4xx", "2xx accepted"],
    "document: the metadata in capitals": ["2xx accepted", "4xx"],
    "document: the metadata with a slash": ["2xx accepted", "4xx"]
  }),
  ...because(
    "A yes to a program without a secret on the user's machine is not remembered: any other could come with its name (RFC 8252, 8.6).",
    {
      "authorize: nothing about prompts, of a person who said yes before": ["3xx redirect accepted", "2xx accepted"],
      "authorize: prompt none, of a person who said yes before": [
        "3xx redirect accepted",
        "3xx redirect consent_required"
      ]
    }
  ),
  ...because("A page may ask to register, as programs in a browser do; where a person is asked it may not.", {
    "cors: a page asks authorize": ["3xx", "2xx"],
    "cors: a page asks whether it may ask registration": ["4xx", "2xx accepted"]
  }),
  ...because(
    "A logout that nobody has proven to be a client's is asked about, and leads nowhere (RP-Initiated Logout, 2).",
    {
      "logout: POST": ["4xx", "2xx accepted"],
      "logout: a redirect of a client without a hint": ["3xx redirect accepted", "2xx accepted"],
      "logout: an unknown client": ["4xx", "2xx accepted"]
    }
  )
}
