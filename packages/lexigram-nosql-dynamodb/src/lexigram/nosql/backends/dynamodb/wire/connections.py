"""One POST over the connections of aiobotocore's own session.

aiobotocore's ``AIOHTTPSession.send`` asks for proxies, turns headers into two other forms and looks at the environment
for each request. Its connections, limits, certificates and timeouts are used here as they are, and what aiohttp raises
becomes the same error of botocore as there.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from aiobotocore.awsrequest import AioAWSResponse
from botocore import exceptions as boto
from yarl import URL

__all__ = ["LARGE", "Connections", "Reply"]

LARGE: Final = 2**20
"""Bytes from which aiohttp wants a body in parts."""


class Reply:
    """What came back.

    Attributes:
        status: The status of HTTP.
        headers: The answer's headers; names in any case.
        body: The whole body.
    """

    __slots__ = ("_response", "body", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse, body: bytes) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self.body = body

    def for_botocore(self) -> Any:
        """The same in the form that botocore's retry handlers look at."""
        headers: Any = {name.lower(): value for name, value in self.headers.items()}
        answer: Any = AioAWSResponse(str(self._response.url), self.status, headers, self._response)
        answer._content = self.body
        return answer


class Connections:
    """The connections to one address.

    Args:
        session: aiobotocore's session.
        url: The address.
    """

    def __init__(self, session: Any, url: str) -> None:
        self._session = session
        self._url = URL(url, encoded=True)
        self._text = url
        self._proxy: str | None = session._proxy_config.proxy_url_for(url)
        self._proxy_headers: Mapping[str, str] | None = session._proxy_config.proxy_headers_for(url) or None
        self._post: Any = None

    async def post(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a request, and read the whole answer.

        Args:
            headers: Its headers.
            body: Its body.

        Raises:
            HTTPClientError: It did not reach the service, or the answer did not arrive.
        """
        try:
            if self._post is None:
                self._post = (await self._session._get_session(self._proxy)).post
            data = body if len(body) < LARGE else io.BytesIO(body)
            async with self._post(
                self._url, headers=headers, data=data, proxy=self._proxy, proxy_headers=self._proxy_headers
            ) as response:
                return Reply(response, await response.read())
        except aiohttp.ClientSSLError as error:
            raise boto.SSLError(endpoint_url=self._text, error=error) from error
        except (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError) as error:
            host = URL(self._proxy or "").host or ""
            raise boto.ProxyConnectionError(proxy_url=host, error=type(error).__name__) from None
        except aiohttp.ConnectionTimeoutError as error:
            raise boto.ConnectTimeoutError(endpoint_url=self._text, error=error) from error
        except TimeoutError as error:
            raise boto.ReadTimeoutError(endpoint_url=self._text, error=error) from error
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError) as error:
            raise boto.ConnectionClosedError(endpoint_url=self._text, error=error) from error
        except (aiohttp.ClientConnectionError, socket.gaierror) as error:
            raise boto.EndpointConnectionError(endpoint_url=self._text, error=error) from error
        except (aiohttp.ClientError, OSError) as error:
            raise boto.HTTPClientError(error=error) from error
