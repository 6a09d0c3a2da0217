"""The schema that lies beside exported InkML: which part of the standard those files use, for a validator to check."""

from .export_forms import INKML, NOTICE

_SAMPLE = r"-?[0-9]+\.[0-9]{3} -?[0-9]+\.[0-9]{3} [0-9]+ [0-9]+"
NAME = "forms/inkml/inkml.xsd"
INKML_SCHEMA = f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- {NOTICE}. The part of W3C InkML (Recommendation of 20 September 2011) that the documents beside this file use. -->
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:ink="{INKML}" targetNamespace="{INKML}"
    elementFormDefault="qualified">
  <xs:element name="ink">
    <xs:complexType>
      <xs:sequence>
        <xs:element name="definitions" type="ink:definitions"/>
        <xs:element name="annotation" type="ink:annotation" maxOccurs="unbounded"/>
        <xs:element name="trace" type="ink:trace" maxOccurs="unbounded"/>
      </xs:sequence>
    </xs:complexType>
  </xs:element>
  <xs:complexType name="definitions">
    <xs:sequence>
      <xs:element name="context">
        <xs:complexType>
          <xs:sequence>
            <xs:element name="inkSource" type="ink:inkSource"/>
          </xs:sequence>
          <xs:anyAttribute namespace="http://www.w3.org/XML/1998/namespace" processContents="lax"/>
        </xs:complexType>
      </xs:element>
    </xs:sequence>
  </xs:complexType>
  <xs:complexType name="inkSource">
    <xs:sequence>
      <xs:element name="traceFormat">
        <xs:complexType>
          <xs:sequence>
            <xs:element name="channel" type="ink:channel" minOccurs="4" maxOccurs="4"/>
          </xs:sequence>
        </xs:complexType>
      </xs:element>
    </xs:sequence>
    <xs:attribute name="description" type="xs:string" use="required" fixed="{NOTICE}"/>
    <xs:anyAttribute namespace="http://www.w3.org/XML/1998/namespace" processContents="lax"/>
  </xs:complexType>
  <xs:complexType name="channel">
    <xs:attribute name="name" use="required">
      <xs:simpleType>
        <xs:restriction base="xs:string">
          <xs:enumeration value="X"/>
          <xs:enumeration value="Y"/>
          <xs:enumeration value="T"/>
          <xs:enumeration value="F"/>
        </xs:restriction>
      </xs:simpleType>
    </xs:attribute>
    <xs:attribute name="type" use="required">
      <xs:simpleType>
        <xs:restriction base="xs:string">
          <xs:enumeration value="integer"/>
          <xs:enumeration value="decimal"/>
        </xs:restriction>
      </xs:simpleType>
    </xs:attribute>
    <xs:attribute name="units" use="required">
      <xs:simpleType>
        <xs:restriction base="xs:string">
          <xs:enumeration value="mm"/>
          <xs:enumeration value="ms"/>
          <xs:enumeration value="dev"/>
        </xs:restriction>
      </xs:simpleType>
    </xs:attribute>
    <xs:attribute name="orientation" type="xs:string" fixed="-ve"/>
    <xs:attribute name="min" type="xs:decimal"/>
    <xs:attribute name="max" type="xs:decimal"/>
  </xs:complexType>
  <xs:complexType name="annotation">
    <xs:simpleContent>
      <xs:extension base="xs:string">
        <xs:attribute name="type" type="xs:string" use="required"/>
      </xs:extension>
    </xs:simpleContent>
  </xs:complexType>
  <xs:simpleType name="samples">
    <xs:restriction base="xs:string">
      <xs:pattern value="{_SAMPLE}(, {_SAMPLE})*"/>
    </xs:restriction>
  </xs:simpleType>
  <xs:complexType name="trace">
    <xs:simpleContent>
      <xs:extension base="ink:samples">
        <xs:attribute name="type" use="required">
          <xs:simpleType>
            <xs:restriction base="xs:string">
              <xs:enumeration value="penDown"/>
              <xs:enumeration value="penUp"/>
            </xs:restriction>
          </xs:simpleType>
        </xs:attribute>
        <xs:attribute name="contextRef" type="xs:anyURI" use="required"/>
      </xs:extension>
    </xs:simpleContent>
  </xs:complexType>
</xs:schema>
"""
"""Written from the standard and meant to be narrower than it; samples are X Y in mm, T in ms, F of 65535."""
