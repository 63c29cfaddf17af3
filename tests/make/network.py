"""Events of the network: places, people, products, prices, tills and who may do what."""

from datetime import date
from typing import Any

from events.catalogue import network
from tests.make.values import EVENT_ID, HASH, made, names


def network_founded(**changes: Any) -> network.NetworkFounded:
    return made(network.NetworkFounded, changes, network="kg", clock="real", names=names("One Village One Product"))


def region_joined(**changes: Any) -> network.RegionJoined:
    return made(
        network.RegionJoined,
        changes,
        region="KG-Y",
        names=names("Ysyk-Kol"),
        committee_names=names("Brand committee of Ysyk-Kol"),
    )


def village_registered(**changes: Any) -> network.VillageRegistered:
    return made(
        network.VillageRegistered,
        changes,
        village="tosor",
        region="KG-Y",
        district="jeti-oguz",
        parent="tosor-aimak",
        names=names("Tosor"),
        latitude_microdegrees=42_170_000,
        longitude_microdegrees=77_430_000,
        position_is_exact=True,
    )


def village_reassigned(**changes: Any) -> network.VillageReassigned:
    return made(
        network.VillageReassigned,
        changes,
        village="tosor",
        district="ton",
        parent="ton-aimak",
        effective_on=date(2014, 1, 1),
    )


def producer_registered(**changes: Any) -> network.ProducerRegistered:
    return made(network.ProducerRegistered, changes, producer="p-001", village="tosor", joined_on=date(2012, 3, 1))


def producer_retired(**changes: Any) -> network.ProducerRetired:
    return made(network.ProducerRetired, changes, producer="p-001", retired_on=date(2015, 12, 31))


def supplier_registered(**changes: Any) -> network.SupplierRegistered:
    return made(network.SupplierRegistered, changes, supplier="kant-sugar", names=names("Kant sugar works"))


def workshop_opened(**changes: Any) -> network.WorkshopOpened:
    return made(
        network.WorkshopOpened,
        changes,
        workshop="tosor-jam",
        village="tosor",
        names=names("Tosor jam workshop"),
        opened_on=date(2012, 4, 1),
    )


def workshop_closed(**changes: Any) -> network.WorkshopClosed:
    return made(network.WorkshopClosed, changes, workshop="tosor-jam", closed_on=date(2016, 12, 31))


def outlet_opened(**changes: Any) -> network.OutletOpened:
    return made(
        network.OutletOpened,
        changes,
        outlet="karakol",
        region="KG-Y",
        village=None,
        names=names("Karakol shop"),
        channel="retail",
        latitude_microdegrees=42_490_000,
        longitude_microdegrees=78_390_000,
        position_is_exact=True,
        connectivity="good",
        opened_on=date(2012, 5, 1),
    )


def outlet_closed(**changes: Any) -> network.OutletClosed:
    return made(network.OutletClosed, changes, outlet="karakol", closed_on=date(2016, 12, 31))


def product_defined(**changes: Any) -> network.ProductDefined:
    return made(
        network.ProductDefined,
        changes,
        product="apricot-jam-300",
        group="jam",
        names=names("Apricot jam"),
        unit="jar",
        net_mass_g=300,
        shelf_life_days=540,
        origin_basis="mass",
    )


def product_retired(**changes: Any) -> network.ProductRetired:
    return made(network.ProductRetired, changes, product="apricot-jam-300", retired_on=date(2016, 12, 31))


def price_set(**changes: Any) -> network.PriceSet:
    return made(
        network.PriceSet,
        changes,
        product="apricot-jam-300",
        channel="retail",
        unit_price_tyiyn=18_000,
        effective_from=date(2012, 5, 1),
    )


def till_enrolled(**changes: Any) -> network.TillEnrolled:
    return made(network.TillEnrolled, changes, till="karakol-1", outlet="karakol", key_id="key-karakol-1")


def till_revoked(**changes: Any) -> network.TillRevoked:
    return made(network.TillRevoked, changes, till="karakol-1", reason="lost")


def role_granted(**changes: Any) -> network.RoleGranted:
    return made(network.RoleGranted, changes, actor="user/aigul", role="cashier", region=None, place="outlet/karakol")


def role_withdrawn(**changes: Any) -> network.RoleWithdrawn:
    return made(network.RoleWithdrawn, changes, actor="user/aigul", role="cashier", region=None, place="outlet/karakol")


def consent_given(**changes: Any) -> network.ConsentGiven:
    return made(network.ConsentGiven, changes, producer="p-001", purpose="name_on_label", commitment=HASH)


def consent_withdrawn(**changes: Any) -> network.ConsentWithdrawn:
    return made(network.ConsentWithdrawn, changes, producer="p-001", purpose="name_on_label", withdraws=EVENT_ID)
